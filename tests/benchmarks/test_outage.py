"""The benchmark of outages: what it reads out of what its jobs tell, and when it says that an aim is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from measure.machine import describe_machine
from measure.outage_jobs import Heard, load_views, save_views
from outage import Cost, Results

from sonic.scores import Scores
from tests.builders.client import a_view

if TYPE_CHECKING:
    from pathlib import Path


def results(*costs: Cost, wrong: int = 0, errors: tuple[str, ...] = ()) -> Results:
    """Return the results of a run with these costs."""
    return Results(describe_machine(), "views", 2, 100, 0.1, list(costs), 10, wrong, 0, list(errors))


def a_cost(longest_wait_s: float, *, counts: bool = True) -> Cost:
    """Return what some fault cost."""
    return Cost("a fault", counts, 20.0, longest_wait_s, 5.0, 5.0)


def test_the_longest_wait_is_that_of_the_job_that_waited_longest() -> None:
    """Also the time before a job's first answer and after its last one must count; answers of others must not."""
    heard = Heard({0: [1.0, 2.0, 3.0, 9.0], 1: [0.5, 4.0, 8.0]})
    assert heard.longest_wait_s(0.0, 10.0) == 6.0
    assert heard.longest_wait_s(4.5, 8.5) == 4.0
    assert heard.longest_wait_s(20.0, 25.0) == 5.0
    assert heard.answers(0.0, 3.5) == 4


def test_an_event_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """Every process must score the very event whose scores are expected."""
    views = (a_view(5, 1), a_view(0, 2))
    scores = [Scores(np.full((v.n_hits, 3), 0.25, np.float32), np.full(v.n_hits, 0.5, np.float32)) for v in views]
    save_views(tmp_path / "event.npz", views, scores)
    loaded, expected = load_views(tmp_path / "event.npz")
    for before, after in zip(views, loaded, strict=True):
        assert np.array_equal(before.pixels, after.pixels)
        assert np.array_equal(before.hit_wire, after.hit_wire)
        assert np.array_equal(before.hit_drift, after.hit_drift)
    assert [len(em_trk_none) for em_trk_none, _ in expected] == [5, 0]
    assert expected[0][1].tolist() == [0.5] * 5


def test_only_what_one_server_does_counts_against_the_aim() -> None:
    """A long wait must be missed where one server was hurt, not where all of them were away."""
    assert results(a_cost(9.9), a_cost(70.0, counts=False)).failures == []
    (failure,) = results(a_cost(10.1)).failures
    assert "a fault" in failure


def test_a_wrong_score_and_a_failed_job_are_failures() -> None:
    """However short the waits."""
    assert len(results(wrong=1, errors=("job 3: EndpointAway",)).failures) == 2
