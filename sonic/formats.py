"""The wire formats by name; only what is asked for is imported, because thousands of jobs pay for every import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sonic.patches import PATCHES

if TYPE_CHECKING:
    from sonic.message import Format
    from sonic.wire_format import WireFormat

__all__ = ["format_named"]


def format_named(name: WireFormat) -> Format:
    """Return a wire format."""
    if name == "patches":
        return PATCHES
    from sonic.views import VIEWS

    return VIEWS
