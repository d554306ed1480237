"""The `views` wire format: the view itself, packed without loss, and where in it the hits are; the server cuts.

A patch repeats nearly all pixels of its neighbours: the patches of a real ProtoDUNE-SP frame of one APA are 125.9 MB,
its views and hits 0.27 MB. The patches that the server cuts are bit for bit those of `sonic.patches`.

A message holds one strip of one view: its hit pixels, and the wires and drift pixels that their patches reach. Where a
view is more than may go in one message, it is cut between wires, and the strips overlap by what both need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sonic.hit_pixels import Span
from sonic.message import OUTPUT_TENSORS, Format, Message, Most, Tensor
from sonic.network import PATCH_PIXELS
from sonic.view_message import (
    MESSAGE_INPUT,
    MOST_PIXELS,
    MOST_SIDE_PIXELS,
    PATCHES_PARAMETER,
    VERSION,
    VERSION_PARAMETER,
    Strip,
    pack,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sonic.hit_pixels import HitPixels, ViewPixels

__all__ = ["VIEWS", "ViewCutter"]

_HALF = PATCH_PIXELS // 2
_VALUE_BYTES, _PATCH_BYTES, _PIXEL_BYTES, _OTHER_BYTES = 3.4, 1.4, 0.02, 64.0
"""What packing comes to for each value, hit pixel and pixel of a strip, measured on real frames: a first guess of a
message's size, so that it is seldom packed twice."""

_GUESSES = 4
"""Times that a message is packed, each time smaller, while it is larger than it may be."""

_SAFETY = 0.9


class ViewCutter:
    """Cuts an event into messages of one strip each.

    Args:
        pixels: the event's hit pixels.

    """

    def __init__(self, pixels: HitPixels) -> None:
        self._pixels = pixels
        self._at_hand: tuple[ViewPixels, NDArray[np.int64]] | None = None

    def cut(self, span: Span, most: Most) -> Message:
        """Return a message for as many patches as may go in one; see `sonic.message.Cutter`."""
        view, start, stop = self._pixels.first_of(span)
        guess_bytes = most.payload_bytes
        for _ in range(_GUESSES):
            size = self._size(view, start, stop, Most(most.patches, guess_bytes))
            data = pack(_strip(view, start, start + size))
            if len(data) <= most.payload_bytes or size == 1:
                break
            guess_bytes *= _SAFETY * most.payload_bytes / len(data)
        return Message(Span(span.start, span.start + size), np.frombuffer(data, np.uint8)[np.newaxis])

    def _size(self, view: ViewPixels, start: int, stop: int, most: Most) -> int:
        """Return how many of the patches [start, stop) go into the next strip: as many as fit, in strips of like size.

        Wires and values grow along the order of the patches, so the first that does not fit ends the strip.
        """
        reach = view.wire[start : min(stop, start + most.patches)] + _HALF
        low, high = max(0, int(view.wire[start]) - _HALF), np.minimum(reach, view.pixels.shape[0])
        n_pixels = (high - low) * view.pixels.shape[1]
        allowed = (n_pixels <= MOST_PIXELS) & (high - low <= MOST_SIDE_PIXELS)
        n_values = self._values_before(view)[high] - self._values_before(view)[low]
        n_patches = np.arange(1, len(reach) + 1)
        size = _VALUE_BYTES * n_values + _PATCH_BYTES * n_patches + _PIXEL_BYTES * n_pixels + _OTHER_BYTES
        fits = max(1, int(np.count_nonzero((size <= most.payload_bytes) & allowed)))
        n_strips = -(-(stop - start) // fits)
        return -(-(stop - start) // n_strips)

    def _values_before(self, view: ViewPixels) -> NDArray[np.int64]:
        """Return how many pixels are not zero before each wire of a view."""
        if self._at_hand is None or self._at_hand[0] is not view:
            counts = np.count_nonzero(view.pixels, axis=1)
            self._at_hand = (view, np.concatenate([[0], np.cumsum(counts)]))
        return self._at_hand[1]


def _strip(view: ViewPixels, start: int, stop: int) -> Strip:
    """Return the part of a view that the patches [start, stop) reach."""
    wire, drift = view.wire[start:stop], view.drift[start:stop]
    low_wire, low_drift = max(0, int(wire[0]) - _HALF), max(0, int(drift.min()) - _HALF)
    pixels = view.pixels[low_wire : int(wire[-1]) + _HALF, low_drift : int(drift.max()) + _HALF]
    return Strip(pixels, wire - low_wire, drift - low_drift)


VIEWS = Format(
    name="views",
    input_name=MESSAGE_INPUT,
    # The first axis of each is 1: a batch of one message.
    tensors={
        MESSAGE_INPUT: Tensor("UINT8", (-1, -1)),
        **{name: Tensor(tensor.datatype, (-1, *tensor.shape)) for name, tensor in OUTPUT_TENSORS.items()},
    },
    model_suffix="_views",
    patches_parameter=PATCHES_PARAMETER,
    parameters={VERSION_PARAMETER: str(VERSION)},
    cutter=ViewCutter,
)
"""What SonicGrid's own model takes."""
