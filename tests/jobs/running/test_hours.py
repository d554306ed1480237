"""Ten hours with a pool that is away for six of them: no job beyond its budget, and no herd when the pool returns."""

from __future__ import annotations

import pytest

from jobs.exits import EXITS, ExitClass
from jobs.running import hold
from jobs.running.hold import PoolPauses
from jobs.throttle.ramp import AHEAD_S, Ramp
from tests.builders.hours import Hours, Told, pass_hours

HOURS = Hours()
MOST_RELEASED = 1 / 20
"""Part of the jobs that may be released between two looks of the throttle; a fifth of them is held in one moment."""


def check_budgets(told: Told) -> None:
    """No job was tried above its budget, nor held above its number, and all that could not end well are named."""
    bad = set(range(0, HOURS.jobs, HOURS.bad_every))
    assert max(told.attempts.values()) == HOURS.max_retries + 1
    assert max(told.holds.values()) <= PoolPauses().most
    codes = {job: EXITS[ExitClass.WORKER if job in bad else ExitClass.DONE].code for job in range(HOURS.jobs)}
    assert told.ends == codes


def check_starts(told: Told, from_minute: int = 0) -> None:
    """Starts, each with its first request, keep to the ramp in every minute."""
    saved = HOURS.ramp_per_min / 60 * AHEAD_S
    assert max(count for minute, count in told.starts.items() if minute >= from_minute) <= HOURS.ramp_per_min + saved


def check_releases(told: Told) -> None:
    """Those that wait for the pool are not released together, not even those that it left alone in one moment."""
    assert max(told.releases.values()) <= MOST_RELEASED * HOURS.jobs


@pytest.fixture(scope="module")
def told() -> Told:
    """What happened in the ten hours."""
    return pass_hours(HOURS)


def test_no_job_beyond_its_budget(told: Told) -> None:
    """Those that no worker can run get their retries and no more, and waiting for the pool costs nobody one."""
    check_budgets(told)


def test_no_herd_when_the_pool_returns(told: Told) -> None:
    """Most jobs wait for it, and still no minute sees more starts than the ramp allows, nor a burst of releases."""
    assert told.held[5] > 0.7 * HOURS.jobs
    check_starts(told)
    check_releases(told)


@pytest.fixture
def _no_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses without a part of each job's own."""
    real = hold._pause_s
    monkeypatch.setattr(hold, "_pause_s", lambda pauses: real(pauses).replace("ProcId * 617", "0"))


@pytest.fixture
def _no_ramp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts without a bound."""
    monkeypatch.setattr(Ramp, "after", lambda _self, now_s, _started, _per_min: Ramp(10_000.0, now_s))


@pytest.mark.usefixtures("_no_spread")
def test_without_the_spread_jobs_are_released_together() -> None:
    """The check sees it; the ramp alone still holds their starts back."""
    told = pass_hours(HOURS)
    with pytest.raises(AssertionError):
        check_releases(told)
    check_starts(told)


@pytest.mark.usefixtures("_no_spread", "_no_ramp")
def test_without_spread_and_ramp_there_is_a_herd_when_the_pool_returns() -> None:
    """The check of starts can fail, and does at the moment that it is for."""
    with pytest.raises(AssertionError):
        check_starts(pass_hours(HOURS), from_minute=int(HOURS.away_to_h * 60))


def test_retries_that_were_not_counted_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of budgets fails where HTCondor would try a job once more."""
    real = hold.policy_commands
    monkeypatch.setattr("tests.builders.hours.policy_commands", lambda retries, pauses: real(retries + 1, pauses))
    with pytest.raises(AssertionError):
        check_budgets(pass_hours(HOURS))
