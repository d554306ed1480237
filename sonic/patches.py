"""The `patches` wire format: 48x48 float32 around every hit, what any pool with the plain model takes.

The patch is LArSoft's (larrecodnn ``PointIdAlg``): wires [w-24, w+24) and drift pixels [d-24, d+24), zero outside the
view. One difference: LArSoft's ``bufferPatch`` returns early for a second hit on the same wire and drift pixel and so
sends it as a patch of zeros; here every hit gets its true patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sonic.hit_pixels import HitPixels, Span
from sonic.message import OUTPUT_TENSORS, Format, Message, Tensor
from sonic.network import INPUT, PATCH_BYTES, PATCH_PIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sonic.hit_pixels import ViewPixels
    from sonic.message import Most
    from sonic.view import View

__all__ = ["PATCHES", "PatchCutter", "cut_patches", "spans_of"]

_HALF = PATCH_PIXELS // 2


def spans_of(n_patches: int, batch_patches: int) -> list[Span]:
    """Cut `n_patches` into batches of at most `batch_patches`."""
    return [Span(start, min(start + batch_patches, n_patches)) for start in range(0, n_patches, batch_patches)]


class PatchCutter:
    """Cuts the patches of an event, batch by batch, across the borders of its views.

    Args:
        pixels: the event's hit pixels.

    """

    def __init__(self, pixels: HitPixels) -> None:
        self._pixels = pixels
        # Read-only windows into one padded copy of the view at hand: a patch is copied only when it is cut.
        self._at_hand: tuple[ViewPixels, NDArray[np.float32]] | None = None

    def _windows(self, view: ViewPixels) -> NDArray[np.float32]:
        if self._at_hand is None or self._at_hand[0] is not view:
            padded = np.pad(view.pixels, _HALF)
            self._at_hand = (view, sliding_window_view(padded, (PATCH_PIXELS, PATCH_PIXELS)))
        return self._at_hand[1]

    def patches(self, span: Span) -> NDArray[np.float32]:
        """Return the patches of a span.

        Returns:
            float32 (n, 48, 48, 1), C-contiguous: patch, wire, drift, channel.

        """
        parts = []
        done = span.start
        while done < span.stop:
            view, start, stop = self._pixels.first_of(Span(done, span.stop))
            parts.append(self._windows(view)[view.wire[start:stop], view.drift[start:stop]])
            done += stop - start
        # Most spans lie in one view, and what was cut need not be copied again.
        none = np.empty((0, PATCH_PIXELS, PATCH_PIXELS), np.float32)
        patches = parts[0] if len(parts) == 1 else np.concatenate([none, *parts])
        return patches[..., np.newaxis]

    def cut(self, span: Span, most: Most) -> Message:
        """Return a message for as many patches as may go in one; see `sonic.message.Cutter`."""
        size = max(1, min(span.size, most.patches, int(most.payload_bytes // PATCH_BYTES)))
        part = Span(span.start, span.start + size)
        return Message(part, self.patches(part))


PATCHES = Format(
    name="patches",
    input_name=INPUT,
    tensors={INPUT: Tensor("FP32", (-1, PATCH_PIXELS, PATCH_PIXELS, 1)), **OUTPUT_TENSORS},
    model_suffix="",
    patches_parameter="",
    parameters={},
    cutter=PatchCutter,
)
"""The plain model's own input."""


def cut_patches(view: View) -> NDArray[np.float32]:
    """Return the patch of every hit of a view, in the hits' order.

    Returns:
        float32 (n_hits, 48, 48, 1): hit, wire, drift, channel.

    Raises:
        ValueError: a hit lies outside the view.

    """
    pixels = HitPixels([view])
    patches: NDArray[np.float32] = PatchCutter(pixels).patches(Span(0, pixels.n_patches))[pixels.views[0].of_hit]
    return patches
