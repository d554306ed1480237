"""What a network gave back for a batch, checked, and put together in the hits' order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sonic.errors import BadAnswer
from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT
from sonic.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sonic.patches import Span
    from sonic.view import View

__all__ = ["Answer", "ScoreSheet"]

_TOLERANCE = 1e-3
"""How far outside [0, 1] rounding may put a probability."""


@dataclass(frozen=True, eq=False)
class Answer:
    """The two output tensors of one batch, as they came.

    Attributes:
        em_trk_none: float32 (n, 3).
        michel: float32 (n, 1).

    """

    em_trk_none: NDArray[np.float32]
    michel: NDArray[np.float32]


def _check(name: str, tensor: NDArray[np.float32], shape: tuple[int, int], source: str) -> None:
    if tensor.dtype != np.float32 or tensor.shape != shape:
        message = f"{source}: {name} came as {tensor.dtype} {tensor.shape}, not as float32 {shape}"
        raise BadAnswer(message)
    if not bool(np.all((tensor >= -_TOLERANCE) & (tensor <= 1 + _TOLERANCE))):
        message = f"{source}: {name} holds NaN or values outside of 0 to 1, which are no scores"
        raise BadAnswer(message)


class ScoreSheet:
    """One row per hit of an event, filled batch by batch in any order."""

    def __init__(self, n_hits: int) -> None:
        self._em_trk_none = np.full((n_hits, len(EM_TRK_NONE_LABELS)), np.nan, dtype=np.float32)
        self._michel = np.full(n_hits, np.nan, dtype=np.float32)

    def fill(self, span: Span, answer: Answer, source: str) -> None:
        """Write one batch's answer down.

        Raises:
            BadAnswer: it is not this batch's scores; `source` names who sent it.

        """
        n_hits = span.stop - span.start
        _check(EM_TRK_NONE_OUTPUT, answer.em_trk_none, (n_hits, len(EM_TRK_NONE_LABELS)), source)
        _check(MICHEL_OUTPUT, answer.michel, (n_hits, 1), source)
        self._em_trk_none[span.start : span.stop] = answer.em_trk_none
        self._michel[span.start : span.stop] = answer.michel[:, 0]

    def split(self, views: Sequence[View]) -> list[Scores]:
        """Return each view's part of the sheet, in the views' order."""
        ends = np.cumsum([0, *(view.n_hits for view in views)], dtype=np.intp).tolist()
        return [Scores(self._em_trk_none[start:stop], self._michel[start:stop]) for start, stop in pairwise(ends)]
