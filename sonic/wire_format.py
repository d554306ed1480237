"""How hits travel to the inference pool, and what one of them takes there: the one place with these numbers.

`patches` sends a 48 x 48 float32 image per hit, which any server with the plain network takes. `views` sends the
plane's view once, losslessly packed, and the list of its hits; the server cuts. What a hit takes then depends on the
event, so the number below is for what has to be known before anything was sent, and reports take its place.
"""

from __future__ import annotations

from typing import Literal

from sonic.network import PATCH_BYTES

__all__ = ["TYPICAL_BYTES_PER_PATCH", "WireFormat"]

WireFormat = Literal["patches", "views"]

TYPICAL_BYTES_PER_PATCH: dict[WireFormat, float] = {"patches": float(PATCH_BYTES), "views": 21.0}
"""Bytes of requests for each hit. With `patches` that is exact but for the envelope of a request; with `views` 19.5 to
22.7 were measured, zstd at level 1, on real frames of ProtoDUNE and on generated events of six APAs."""
