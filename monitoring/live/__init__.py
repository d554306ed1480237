"""The numbers of the dashboard: pure functions over a store that is open for reading."""

from __future__ import annotations
