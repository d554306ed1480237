"""How long a campaign takes, against a count of what runs second by second."""

from __future__ import annotations

import heapq

import pytest

from jobs.planning.expect import SiteRoom, expect_s


def play(room: int, starts_per_s: float, n_jobs: int, job_s: float) -> float:
    """Start jobs one by one as the ramp and the room allow; returns when the last one ends."""
    ends: list[float] = []
    now = 0.0
    for _ in range(n_jobs):
        now += 1 / starts_per_s
        if len(ends) == room:
            now = max(now, heapq.heappop(ends))
        heapq.heappush(ends, now + job_s)
    return max(ends)


@pytest.mark.parametrize(
    ("room", "starts_per_s", "n_jobs", "job_s"),
    [
        (100, 1.0, 10_000, 3600.0),
        (2000, 1.0, 100_000, 7200.0),
        (2000, 1.0, 500, 7200.0),
        (1000, 1.0, 10_000, 60.0),
        (5, 1.0, 3, 8.0),
    ],
    ids=["the room binds", "a long ramp", "fewer jobs than room", "the ramp binds", "one round"],
)
def test_it_is_what_jobs_that_start_one_by_one_take(room: int, starts_per_s: float, n_jobs: int, job_s: float) -> None:
    """Whatever binds, the expectation must be within a tenth, or one job, of a count."""
    found = expect_s([SiteRoom(room, starts_per_s)], n_jobs=n_jobs, work_s=n_jobs * job_s, longest_s=job_s)
    assert found == pytest.approx(play(room, starts_per_s, n_jobs, job_s), rel=0.1)


def test_two_sites_are_sooner_done_than_one() -> None:
    """Rooms and ramps of sites add up."""
    one = expect_s([SiteRoom(100, 1.0)], n_jobs=10_000, work_s=3.6e7, longest_s=3600.0)
    two = expect_s([SiteRoom(100, 1.0)] * 2, n_jobs=10_000, work_s=3.6e7, longest_s=3600.0)
    assert one is not None
    assert two == pytest.approx(one / 2, rel=0.02)


def test_where_nothing_fits_nobody_knows() -> None:
    """No room anywhere is no duration; no jobs are done at once."""
    assert expect_s([SiteRoom(0, 1.0)], n_jobs=10, work_s=100.0, longest_s=10.0) is None
    assert expect_s([SiteRoom(10, 1.0)], n_jobs=0, work_s=0.0, longest_s=0.0) == 0.0
