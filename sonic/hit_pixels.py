"""Which patches an event needs, in one order for every wire format: one for each distinct pixel that hits lie in.

A drift pixel is six ticks wide, so some hits share theirs, and with it their patch and their scores: 1.5 % of the hits
of a real ProtoDUNE-SP frame. Each such patch is asked for once. The order is by view, wire and drift, so that
neighbours in it are neighbours in the detector: the `views` format sends stretches of it as strips of a view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sonic.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sonic.view import View

__all__ = ["HitPixels", "Span", "ViewPixels"]


class Span(NamedTuple):
    """The patches [start, stop) of an event, counted through all its views."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many patches it is."""
        return self.stop - self.start


class ViewPixels:
    """The distinct hit pixels of one view.

    Attributes:
        pixels: float32 (n_wires, n_drift), the view's image.
        wire: int64 (n_patches,), ascending.
        drift: int64 (n_patches,), ascending within a wire.
        of_hit: int64 (n_hits,), for each hit of the view its place in `wire` and `drift`.

    """

    def __init__(self, view: View) -> None:
        self.pixels = view.pixels
        n_wires, n_drift = view.pixels.shape
        if len(view.hit_wire) != len(view.hit_drift):
            message = f"a view has {len(view.hit_wire)} hit wires but {len(view.hit_drift)} hit drift pixels"
            raise ValueError(message)
        for name, position, size in (("wire", view.hit_wire, n_wires), ("drift pixel", view.hit_drift, n_drift)):
            if len(position) and not 0 <= position.min() <= position.max() < size:
                message = f"a hit lies outside its view: {name} {position.min()} to {position.max()} of {size}"
                raise ValueError(message)
        place = view.hit_wire.astype(np.int64) * n_drift + view.hit_drift
        distinct, self.of_hit = np.unique(place, return_inverse=True)
        self.wire, self.drift = np.divmod(distinct, max(1, n_drift))


class HitPixels:
    """The distinct hit pixels of an event, view after view.

    Args:
        views: of one event.

    Raises:
        ValueError: a hit lies outside its view.

    """

    def __init__(self, views: Sequence[View]) -> None:
        self.views = [ViewPixels(view) for view in views]
        self._ends = np.cumsum([len(view.wire) for view in self.views], dtype=np.int64)

    @property
    def n_patches(self) -> int:
        """Number of patches that the event needs."""
        return int(self._ends[-1]) if self.views else 0

    def first_of(self, span: Span) -> tuple[ViewPixels, int, int]:
        """Return the view in which a span begins, and the part [start, stop) of its patches that the span takes."""
        number = int(np.searchsorted(self._ends, span.start, side="right"))
        view, end = self.views[number], int(self._ends[number])
        begin = end - len(view.wire)
        return view, span.start - begin, min(span.stop, end) - begin

    def scores_of_hits(self, em_trk_none: NDArray[np.float32], michel: NDArray[np.float32]) -> list[Scores]:
        """Return the scores of every view's hits, from those of the event's patches.

        Args:
            em_trk_none: float32 (n_patches, 3).
            michel: float32 (n_patches,).

        """
        scores = []
        for view, end in zip(self.views, self._ends.tolist(), strict=True):
            row = view.of_hit + (end - len(view.wire))
            scores.append(Scores(em_trk_none[row], michel[row]))
        return scores
