"""The names of the wire formats, and what they usually come to."""

from __future__ import annotations

from typing import Literal

__all__ = ["TYPICAL_BYTES_PER_PATCH", "WireFormat"]

WireFormat = Literal["patches", "views"]

TYPICAL_BYTES_PER_PATCH: dict[WireFormat, float] = {"patches": 9216, "views": 21}
