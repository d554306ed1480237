"""The dashboard's server: pages of panels over HTTP, live, and the collector beside it."""

from __future__ import annotations
