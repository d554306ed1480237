"""The ramp: never more starts than its rate, and what was saved."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.throttle.ramp import AHEAD_S, Ramp

LOOKS = st.lists(st.tuples(st.floats(0.1, 200.0), st.floats(0.0, 1.0)), min_size=1, max_size=60)


@given(st.floats(0.1, 6000.0), LOOKS)
def test_no_minute_has_more_than_its_rate_and_what_was_saved(per_min: float, looks: list[tuple[float, float]]) -> None:
    """Whatever the rhythm of looks and however many starts are used: the rate, and at most `AHEAD_S` of it before."""
    ramp, now, starts = Ramp(), 0.0, [(0.0, 0)]
    started = 0
    for pause_s, part in looks:
        now += pause_s
        ramp = ramp.after(now, started, per_min)
        started = round(part * ramp.starts)
        starts.append((now, started))
    most_saved = max(1.0, per_min / 60 * AHEAD_S)
    for first, (since, _) in enumerate(starts):
        total = 0
        for at, count in starts[first:]:
            total += count
            assert total <= per_min / 60 * (at - since) + most_saved + 1e-6


def test_a_ramp_of_sixty_starts_one_a_second() -> None:
    """A site at 60/min that starts whatever it may has 60 jobs after a minute, and one that it had saved."""
    ramp, running = Ramp(), 0
    for second in range(61):
        started = ramp.starts
        running += started
        ramp = ramp.after(float(second + 1), started, 60.0)
    assert running == 61


def test_a_slow_ramp_starts_too() -> None:
    """Less than one start a look adds up: 1/min looked at every five seconds gives a job a minute."""
    ramp, starts = Ramp(), []
    for second in range(5, 601, 5):
        started = ramp.starts
        starts += [second] * started
        ramp = ramp.after(float(second), started, 1.0)
    assert len(starts) == 10
    assert all(later - earlier == 60 for earlier, later in pairwise(starts[1:]))


def test_jobs_that_started_by_themselves_are_paid_back() -> None:
    """More starts than were given leave a debt, no larger than what can be saved, so that it ends."""
    ramp = Ramp().after(1.0, 500, 60.0)
    assert ramp.starts == 0
    assert ramp.after(1.0 + AHEAD_S + 1.0, 0, 60.0).starts == 1


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """Starts must not be made of a corrected clock."""
    assert Ramp(0.0, 100.0).after(50.0, 0, 60.0).starts == 0
