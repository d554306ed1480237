"""The query of a link inside the dashboard: whatever stands in a value, it stays one value."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["address_query"]


def address_query(**values: str | int) -> str:
    """Return a query, from its question mark on; values that are empty or negative are left out."""
    kept = [(key, value) for key, value in values.items() if value != "" and not (isinstance(value, int) and value < 0)]
    return "?" + "&".join(f"{key}={quote(str(value), safe='')}" for key, value in kept) if kept else ""
