"""The physics of the payload: events in ROOT, views, hits, the event generator, importers of real frames."""

from __future__ import annotations
