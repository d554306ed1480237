"""Answers: what is no score is refused, what is one lands on its hit."""

from __future__ import annotations

import numpy as np
import pytest

from sonic.answers import Answer, ScoreSheet
from sonic.errors import AnswerIncomplete, AnswerNotFinite, BadAnswer
from sonic.hit_pixels import HitPixels, Span
from sonic.view import View


def an_answer(n: int, value: float = 0.25) -> Answer:
    """Return an answer that is in order."""
    em_trk_none = np.full((n, 3), value, dtype=np.float32)
    return Answer(em_trk_none, np.full((n, 1), value, dtype=np.float32))


def views_of(*n_hits: int) -> list[View]:
    """Return empty views with so many hits, on a pixel each."""
    return [View(np.zeros((1, 9), np.float32), np.zeros(n, np.int32), np.arange(n, dtype=np.int32)) for n in n_hits]


def test_batches_in_any_order_end_up_with_their_hits() -> None:
    """A sheet filled from the back must split into the same rows as one filled from the front."""
    sheet = ScoreSheet(5)
    sheet.fill(Span(3, 5), an_answer(2, 0.75), "x")
    sheet.fill(Span(0, 3), an_answer(3, 0.25), "x")
    first, nothing, second = sheet.scores_of_hits(HitPixels(views_of(2, 0, 3)))
    assert first.michel.tolist() == [0.25, 0.25]
    assert nothing.em_trk_none.shape == (0, 3)
    assert second.michel.tolist() == [0.25, 0.75, 0.75]
    assert second.em_trk_none[:, 0].tolist() == [0.25, 0.75, 0.75]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (an_answer(3), AnswerIncomplete),
        (Answer(an_answer(4).em_trk_none, an_answer(3).michel), AnswerIncomplete),
        (Answer(an_answer(4).em_trk_none[:, :2], an_answer(4).michel), BadAnswer),
        (Answer(an_answer(4).em_trk_none, an_answer(4).michel[:, 0]), BadAnswer),
        (Answer(an_answer(4).em_trk_none[np.newaxis], an_answer(4).michel), BadAnswer),
        (Answer(an_answer(4).em_trk_none.astype(np.float64), an_answer(4).michel), BadAnswer),
        (an_answer(4, float("nan")), AnswerNotFinite),
        (an_answer(4, float("inf")), AnswerNotFinite),
        (an_answer(4, -0.5), AnswerNotFinite),
        (an_answer(4, 1.5), AnswerNotFinite),
    ],
    ids=["short", "short michel", "two classes", "flat", "batch", "double", "nan", "inf", "negative", "above one"],
)
def test_what_cannot_be_scores_is_refused(answer: Answer, kind: type[BadAnswer]) -> None:
    """Wrong shapes, wrong types, NaN and no probabilities must each have their error, which names who sent it."""
    with pytest.raises(BadAnswer, match="server-7") as caught:
        ScoreSheet(4).fill(Span(0, 4), answer, "server-7")
    assert type(caught.value) is kind


def test_rounding_just_outside_of_0_to_1_is_fine() -> None:
    """A softmax of 1 + 1e-6 is rounding, not an error."""
    ScoreSheet(2).fill(Span(0, 2), an_answer(2, 1.000001), "x")
