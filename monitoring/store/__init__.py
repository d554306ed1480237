"""What the dashboard keeps of a campaign: one SQLite file outside of it, with one writer and many readers."""

from __future__ import annotations
