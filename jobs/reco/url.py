"""Tells URLs from paths; apart from the reading, so that planning need not load the library that reads."""

from __future__ import annotations

import re

__all__ = ["is_url"]


def is_url(path_or_url: str) -> bool:
    """Whether the name is a URL, such as ``root://server//path``, and not a path."""
    return re.match(r"^[A-Za-z][A-Za-z0-9+.-]*://", path_or_url) is not None
