"""Records and logs made visible; reads a campaign and never writes to it, but for its own report."""

from __future__ import annotations
