"""What a network gave back for a batch, checked, and put together in the hits' order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sonic.errors import AnswerIncomplete, AnswerNotFinite, BadAnswer
from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sonic.hit_pixels import HitPixels, Span
    from sonic.scores import Scores

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
    if tensor.dtype != np.float32 or tensor.shape[1:] != shape[1:]:
        raise BadAnswer(f"{source}: {name} came as {tensor.dtype} {tensor.shape}, not as float32 {shape}")
    if len(tensor) != shape[0]:
        raise AnswerIncomplete(f"{source}: {name} has {len(tensor)} rows for {shape[0]} patches")
    if not bool(np.all((tensor >= -_TOLERANCE) & (tensor <= 1 + _TOLERANCE))):
        raise AnswerNotFinite(f"{source}: {name} holds NaN or values outside of 0 to 1, which are no scores")


class ScoreSheet:
    """One row per patch of an event, filled batch by batch in any order."""

    def __init__(self, n_patches: int) -> None:
        self._em_trk_none = np.full((n_patches, len(EM_TRK_NONE_LABELS)), np.nan, dtype=np.float32)
        self._michel = np.full(n_patches, np.nan, dtype=np.float32)

    def fill(self, span: Span, answer: Answer, source: str) -> None:
        """Write one batch's answer down.

        Raises:
            BadAnswer: it is not this batch's scores; `source` names who sent it.

        """
        _check(EM_TRK_NONE_OUTPUT, answer.em_trk_none, (span.size, len(EM_TRK_NONE_LABELS)), source)
        _check(MICHEL_OUTPUT, answer.michel, (span.size, 1), source)
        self._em_trk_none[span.start : span.stop] = answer.em_trk_none
        self._michel[span.start : span.stop] = answer.michel[:, 0]

    def scores_of_hits(self, pixels: HitPixels) -> list[Scores]:
        """Return the scores of every view's hits, in the order of views and hits."""
        return pixels.scores_of_hits(self._em_trk_none, self._michel)
