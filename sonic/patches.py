"""The `patches` wire format: 48x48 float32 around every hit, what any pool with the plain model takes.

The patch is LArSoft's (larrecodnn ``PointIdAlg``): wires [w-24, w+24) and drift pixels [d-24, d+24), zero outside the
view. One difference: LArSoft's ``bufferPatch`` returns early for a second hit on the same wire and drift pixel and so
sends it as a patch of zeros; here every hit gets its true patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sonic.network import PATCH_PIXELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sonic.view import View

__all__ = ["PatchCutter", "Span", "cut_patches", "spans_of"]

_HALF = PATCH_PIXELS // 2


class Span(NamedTuple):
    """The hits [start, stop) of an event, counted through all its views."""

    start: int
    stop: int


def spans_of(n_hits: int, batch_patches: int) -> list[Span]:
    """Cut `n_hits` into batches of at most `batch_patches`."""
    return [Span(start, min(start + batch_patches, n_hits)) for start in range(0, n_hits, batch_patches)]


class _PaddedView:
    """One view with a margin of silence, so that every patch lies inside."""

    def __init__(self, view: View) -> None:
        n_wires, n_drift = view.pixels.shape
        self.wire = np.asarray(view.hit_wire, dtype=np.intp)
        self.drift = np.asarray(view.hit_drift, dtype=np.intp)
        if len(self.wire) != len(self.drift):
            message = f"a view has {len(self.wire)} hit wires but {len(self.drift)} hit drift pixels"
            raise ValueError(message)
        for name, position, size in (("wire", self.wire, n_wires), ("drift pixel", self.drift, n_drift)):
            if len(position) and not 0 <= position.min() <= position.max() < size:
                message = f"a hit lies outside its view: {name} {position.min()} to {position.max()} of {size}"
                raise ValueError(message)
        # Read-only windows into one padded copy: a patch is copied only when it is cut.
        self._windows = sliding_window_view(np.pad(view.pixels, _HALF), (PATCH_PIXELS, PATCH_PIXELS))

    def cut(self, start: int, stop: int) -> NDArray[np.float32]:
        patches: NDArray[np.float32] = self._windows[self.wire[start:stop], self.drift[start:stop]]
        return patches


class PatchCutter:
    """Cuts the patches of an event's hits, batch by batch, across the borders of its views.

    Args:
        views: The views of one event; their hits are counted through, view after view.

    Raises:
        ValueError: a hit lies outside its view.

    """

    def __init__(self, views: Sequence[View]) -> None:
        self._views = [_PaddedView(view) for view in views if view.n_hits]
        self._ends = np.cumsum([len(view.wire) for view in self._views], dtype=np.intp)

    @property
    def n_hits(self) -> int:
        """Number of hits in all views together."""
        return int(self._ends[-1]) if self._views else 0

    def cut(self, span: Span) -> NDArray[np.float32]:
        """Return the patches of a span's hits.

        Returns:
            float32 (n, 48, 48, 1), C-contiguous: hit, wire, drift, channel.

        """
        patches = np.empty((span.stop - span.start, PATCH_PIXELS, PATCH_PIXELS, 1), dtype=np.float32)
        first_view = int(np.searchsorted(self._ends, span.start, side="right"))
        done = span.start
        for view, end in zip(self._views[first_view:], self._ends[first_view:].tolist(), strict=True):
            if done >= span.stop:
                break
            begin, stop = end - len(view.wire), min(end, span.stop)
            patches[done - span.start : stop - span.start, ..., 0] = view.cut(done - begin, stop - begin)
            done = stop
        return patches


def cut_patches(view: View, start: int, stop: int) -> NDArray[np.float32]:
    """Return the patches of one view's hits [start, stop).

    Returns:
        float32 (stop - start, 48, 48, 1): hit, wire, drift, channel.

    Raises:
        ValueError: a hit lies outside the view.

    """
    return PatchCutter([view]).cut(Span(start, stop))
