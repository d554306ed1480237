"""Chaos: what is done to a running campaign, by whom it is undone, and whether every event came out exactly once."""

from __future__ import annotations
