"""A job goes on without its pool, and goes back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sonic.errors import BadAnswer, EndpointAway, EndpointSilent, RequestRefused, SonicError
from sonic.fallback import FallbackScorer
from sonic.scores import Scores, Traffic
from sonic.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class Scripted:
    """A scorer that answers with a number of its own, or fails as it is told to."""

    endpoint = "fake:8001"

    def __init__(self, number: float, script: Sequence[SonicError | None] = ()) -> None:
        self._number = number
        self._script = list(script)
        self.is_reachable = True
        self.asked = 0
        self.scored = 0
        self.closed = False

    def reachable(self) -> bool:
        """Count the question."""
        self.asked += 1
        return self.is_reachable

    def score(self, views: Sequence[View]) -> list[Scores]:
        """Answer or fail as scripted."""
        self.scored += 1
        error = self._script.pop(0) if self._script else None
        if error is not None:
            raise error
        return [
            Scores(np.full((view.n_hits, 3), self._number, np.float32), np.full(view.n_hits, self._number, np.float32))
            for view in views
        ]

    def traffic(self) -> Traffic:
        """Return something that shows whose it is."""
        return Traffic(bytes_sent=7)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


HERE, THERE = 0.25, 0.75
VIEWS = [View(np.zeros((50, 50), np.float32), np.array([3, 4], np.int32), np.array([4, 5], np.int32))]


def where(scorer: FallbackScorer) -> float:
    """Score an event; the number of who did it."""
    (scores,) = scorer.score(VIEWS)
    return float(scores.michel[0])


def test_nothing_is_loaded_while_the_pool_answers() -> None:
    """The network of the cpu flavour must not be opened before it is needed."""
    with FallbackScorer(Scripted(THERE), lambda: pytest.fail("opened")) as scorer:
        assert [where(scorer), where(scorer)] == [THERE, THERE]
        assert (scorer.hits_on_cpu, scorer.endpoint, scorer.traffic()) == (0, "fake:8001", Traffic(bytes_sent=7))


@pytest.mark.parametrize("kind", [EndpointAway, EndpointSilent])
def test_the_event_that_found_the_pool_away_is_scored_here(kind: type[SonicError]) -> None:
    """So is every further one until the pool is back; each asks once, and the first had patience enough."""
    pool, local = Scripted(THERE, [None, kind("gone")]), Scripted(HERE)
    pool.is_reachable = False
    with FallbackScorer(pool, lambda: local) as scorer:
        assert [where(scorer) for _ in range(4)] == [THERE, HERE, HERE, HERE]
        assert (pool.scored, pool.asked, scorer.hits_on_cpu) == (2, 2, 6)
        pool.is_reachable = True
        assert [where(scorer), where(scorer)] == [THERE, THERE]
        assert (pool.asked, scorer.hits_on_cpu) == (3, 6)
    assert pool.closed
    assert local.closed


def test_a_pool_that_only_says_that_it_is_back_is_asked_less_often() -> None:
    """Each return that fails costs the job its patience, so twice as many events are scored before the next."""
    pool = Scripted(THERE, [EndpointAway("gone")] * 4)
    with FallbackScorer(pool, lambda: Scripted(HERE)) as scorer:
        assert [where(scorer) for _ in range(14)] == [HERE] * 14
        assert pool.scored == 4  # the first time, then before the 2nd, the 4th and the 8th event
        assert [where(scorer) for _ in range(3)] == [HERE, THERE, THERE]
        assert pool.asked == 4


@pytest.mark.parametrize("error", [RequestRefused("no"), BadAnswer("NaN")], ids=["refused", "nonsense"])
def test_only_a_pool_that_is_away_is_replaced(error: SonicError) -> None:
    """A refusal or an answer of nonsense must be seen, not hidden behind scores from here."""
    with FallbackScorer(Scripted(THERE, [error]), lambda: pytest.fail("opened")) as scorer:
        with pytest.raises(type(error)):
            scorer.score(VIEWS)
        assert scorer.hits_on_cpu == 0
