"""The time left is that of the rate so far, with an interval that is honest about how uneven it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitoring.live.eta import estimate, events_remaining, time_left
from tests.builders.campaign import START

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_even_minutes_leave_no_doubt() -> None:
    """100 events at 10 a minute take ten minutes, and nothing else."""
    found = time_left(100, np.full(60, 10.0))
    assert (found.left_s, found.low_s, found.high_s) == (600, 600, 600)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Over many campaigns with uneven minutes, the interval has the true time in it about two times in three."""
    random = np.random.default_rng(5)
    inside = 0
    for seed in range(200):
        found = time_left(1000, random.poisson(10.0, 60).astype(np.float64), seed)
        assert found.low_s is not None
        assert found.high_s is not None
        inside += found.low_s <= 6000 <= found.high_s
    assert 100 <= inside <= 160


def test_the_interval_holds_the_estimate() -> None:
    """However unevenly events came, the estimate lies between the two ends of its interval."""
    for minutes in ([0.0] * 10 + [10.0] * 20 + [0.0] * 2, [10.0] + [1.0] * 20, [1.0] * 20 + [50.0]):
        found = time_left(100, np.array(minutes))
        assert None not in (found.low_s, found.left_s, found.high_s)
        assert found.low_s <= found.left_s <= found.high_s  # type: ignore[operator] # checked above


def test_no_estimate_says_why() -> None:
    """Too little of the past, or nothing done in it, gives words instead of a number."""
    assert "5 minutes" in time_left(100, np.ones(3)).why_not
    assert "no event" in time_left(100, np.zeros(30)).why_not


def test_few_jobs_give_no_estimate(collected: Collected) -> None:
    """Before 30 jobs are done there is none; events under way are not left."""
    collected.run(0, START, total_events=3)
    collected.run(1, START)
    collected.end(1, START + 200)
    connection = collected.read()
    remaining = events_remaining(connection)
    assert (remaining.planned, remaining.done, remaining.under_way, remaining.left) == (50, 5, 3, 42)
    assert "30 jobs" in estimate(connection, START + 300).why_not


def test_nothing_left_takes_no_time(collected: Collected) -> None:
    """A campaign whose jobs have all ended is through."""
    for job in range(10):
        collected.run(job, START)
        collected.end(job, START + 200, exit_class="done" if job else "bad_input")
    assert estimate(collected.read(), START + 300).left_s == pytest.approx(0)
