"""What becomes of a job by its exit status and its holds, as HTCondor evaluates it."""

from __future__ import annotations

import time
from itertools import pairwise

import classad2
import pytest

from jobs.exits import EXITS, ExitClass
from jobs.running.hold import MAX_HOLDS, RELEASE_AFTER_S, PoolPauses, policy_commands

PAUSES = PoolPauses(first_s=60, longest_s=1800, most=4)
HELD_BY_JOB, HELD_BY_USER, OUT_OF_MEMORY = 3, 1, 34


def evaluate(command: str, **ad: object) -> object:
    """What a command of the policy says of a job."""
    return classad2.ExprTree(policy_commands(3, PAUSES)[command]).eval(classad2.ClassAd(ad))


def exited(code: int, *, completions: int = 1, pool_holds: int = 0) -> dict[str, object]:
    """The ad of a job that has just exited."""
    return {
        "ExitBySignal": False,
        "ExitCode": code,
        "NumJobCompletions": completions,
        "NumHoldsByReason": {"JobPolicy": pool_holds} if pool_holds else {},
    }


def held(code: int, seconds: float, *, pool: int = 0, other: int = 0, proc: int = 0) -> dict[str, object]:
    """The ad of a job that is held for so long."""
    return {
        "JobStatus": 5,
        "HoldReasonCode": code,
        "EnteredCurrentStatus": int(time.time() - seconds),
        "NumHolds": pool + other,
        "NumHoldsByReason": {"JobPolicy": pool, "JobOutOfResources": other},
        "ClusterId": 1,
        "ProcId": proc,
    }


def fate(code: int, **how: int) -> str:
    """What HTCondor does with a job that exited: it asks for a hold first."""
    ad = exited(code, **how)
    if evaluate("on_exit_hold", **ad) is True:
        return "held"
    return "gone" if evaluate("on_exit_remove", **ad) is True else "again"


@pytest.mark.parametrize("exit_class", list(ExitClass))
def test_the_exit_table_decides(exit_class: ExitClass) -> None:
    """What waiting heals is held, what another try may heal runs again, all else leaves the queue."""
    row = EXITS[exit_class]
    assert fate(row.code) == ("held" if row.waits else "again" if row.retry else "gone")


def test_a_job_that_a_signal_ended_runs_again() -> None:
    """Without an exit status the table says nothing: a retry, as for any trouble with a worker."""
    ad = {"ExitBySignal": True, "ExitSignal": 9, "NumJobCompletions": 1}
    assert evaluate("on_exit_hold", **ad) is False
    assert evaluate("on_exit_remove", **ad) is False
    assert evaluate("on_exit_remove", **ad | {"NumJobCompletions": 4}) is True


def test_waiting_for_the_pool_uses_up_no_retry() -> None:
    """After any number of holds a job has its retries still; after its retries it is gone."""
    worker = EXITS[ExitClass.WORKER].code
    assert fate(worker, completions=3) == "again"
    assert fate(worker, completions=4) == "gone"
    assert fate(worker, completions=6, pool_holds=3) == "again"
    assert fate(worker, completions=7, pool_holds=3) == "gone"


def test_a_pool_that_never_comes_back_fails_the_job() -> None:
    """After its number of holds the job ends by its own exit status, so that its record says why."""
    away = EXITS[ExitClass.POOL_AWAY].code
    assert fate(away, completions=4, pool_holds=3) == "held"
    assert fate(away, completions=5, pool_holds=4) == "gone"


def test_the_reason_says_it_in_words() -> None:
    """Each class has a sentence of its own, without anything of one job in it."""
    reasons = {evaluate("on_exit_hold_reason", ExitCode=row.code) for row in EXITS.values() if row.waits}
    assert len(reasons) == sum(row.waits for row in EXITS.values())
    silent = evaluate("on_exit_hold_reason", ExitCode=EXITS[ExitClass.POOL_SILENT].code)
    assert str(silent).startswith("pool_silent: the endpoints take requests")
    assert str(silent).endswith("the job starts again by itself after a pause")


def pause_s(pool: int, proc: int = 0) -> int:
    """After how many whole seconds a job is released, found by halving."""
    low, high = 0, 10_000
    while high - low > 1:
        middle = (low + high) // 2
        if evaluate("periodic_release", **held(HELD_BY_JOB, middle, pool=pool, proc=proc)) is True:
            high = middle
        else:
            low = middle
    return low


def test_pauses_grow_up_to_a_bound() -> None:
    """Twice as long each time, and never beyond twice the longest."""
    pauses = [pause_s(pool) for pool in range(1, 10)]
    assert all(second == pytest.approx(2 * first, abs=3) for first, second in pairwise(pauses[:5]))
    assert 60 <= pauses[0] <= 120
    assert pauses[-1] == pauses[-2] <= 3600


def test_a_thousand_jobs_do_not_come_back_together() -> None:
    """Jobs that were held in one second are released over the length of the pause, some every second."""
    pauses = [pause_s(6, proc) for proc in range(0, 1000, 50)]
    assert len(set(pauses)) == len(pauses)
    assert max(pauses) - min(pauses) > 0.9 * 1800


def test_other_holds_keep_their_own_count() -> None:
    """A job that was held by its pool ten times is not given up for the first lack of memory."""
    once = held(OUT_OF_MEMORY, RELEASE_AFTER_S + 2, pool=10, other=1)
    assert evaluate("periodic_release", **once) is True
    assert evaluate("periodic_remove", **once) is False
    often = held(OUT_OF_MEMORY, 10_000, pool=10, other=MAX_HOLDS + 1)
    assert evaluate("periodic_release", **often) is False
    assert evaluate("periodic_remove", **often) is True


def test_what_a_person_held_stays_held() -> None:
    """Neither released nor removed, however long."""
    ad = held(HELD_BY_USER, 1_000_000, pool=10, other=10)
    assert evaluate("periodic_release", **ad) is False
    assert evaluate("periodic_remove", **ad) is False


def test_a_job_waits_for_its_pool_for_a_day() -> None:
    """The bound of the shipped pauses is meant for a pool that is away from one morning to the next."""
    pauses, patience_s = PoolPauses(), 300
    least_s = sum(min(pauses.longest_s, pauses.first_s * 2**hold) + patience_s for hold in range(pauses.most))
    assert least_s > 24 * 3600
