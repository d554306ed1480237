"""Hours of a campaign on a simulated clock: HTCondor's part by the very expressions that jobs are submitted with.

What a job that exits or is held does next is asked of `jobs.running.hold`, evaluated as HTCondor does; how many start
at each look of `jobs.throttle.ramp`. The rest is a queue, slots, and a pool that is away for a while.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import classad2

from jobs.exits import EXITS, ExitClass
from jobs.running.hold import PoolPauses, policy_commands
from jobs.throttle.keep import LOOK_S
from jobs.throttle.ramp import Ramp

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Hours", "Told", "pass_hours"]

HELD_BY_JOB = 3
AWAY, WORKER, DONE = (EXITS[one].code for one in (ExitClass.POOL_AWAY, ExitClass.WORKER, ExitClass.DONE))


@dataclass(frozen=True)
class Hours:
    """What happens.

    Attributes:
        jobs: of one cluster.
        slots: that they have.
        ramp_per_min: starts a minute that the site allows.
        hours: of the whole.
        away_from_h, away_to_h: while the pool does not answer.
        patience_s: for which a job asks it.
        job_s: that an attempt takes while it does.
        max_retries: of the campaign.
        bad_every: every so many jobs fail for want of something on the worker, whenever they are tried.

    """

    jobs: int = 2400
    slots: int = 480
    ramp_per_min: float = 96.0
    hours: float = 10.0
    away_from_h: float = 0.25
    away_to_h: float = 6.5
    patience_s: float = 300.0
    job_s: float = 1200.0
    max_retries: int = 3
    bad_every: int = 100

    def is_away(self, now_s: float) -> bool:
        """Whether the pool is away."""
        return self.away_from_h * 3600 <= now_s < self.away_to_h * 3600


@dataclass
class Told:
    """What happened.

    Attributes:
        attempts: of each job that used one of its retries, the first included.
        holds: of each job, for the pool.
        ends: exit status of each job that left the queue.
        starts: by minute.
        releases: by look of the throttle.
        held: at the end of each hour.

    """

    attempts: Counter[int] = field(default_factory=Counter)
    holds: Counter[int] = field(default_factory=Counter)
    ends: dict[int, int] = field(default_factory=dict)
    starts: Counter[int] = field(default_factory=Counter)
    releases: Counter[int] = field(default_factory=Counter)
    held: list[int] = field(default_factory=list)


class _Policy:
    """The real expressions, and what they say."""

    def __init__(self, max_retries: int) -> None:
        commands = policy_commands(max_retries, PoolPauses())
        self._hold, self._remove, self._release = (
            classad2.ExprTree(commands[name]) for name in ("on_exit_hold", "on_exit_remove", "periodic_release")
        )
        self.pause_s: Callable[[int, int], int] = cache(self._pause_s)

    def fate(self, code: int, completions: int, pool_holds: int) -> str:
        """What HTCondor does with a job that exited: it asks for a hold first."""
        ad = classad2.ClassAd(
            {
                "ExitBySignal": False,
                "ExitCode": code,
                "NumJobCompletions": completions,
                "NumHoldsByReason": {"JobPolicy": pool_holds} if pool_holds else {},
            }
        )
        if self._hold.eval(ad) is True:
            return "held"
        return "gone" if self._remove.eval(ad) is True else "again"

    def _pause_s(self, proc: int, pool_holds: int) -> int:
        """After how many seconds a held job is released, found by halving."""
        low, high = 0, 20_000
        while high - low > 1:
            middle = (low + high) // 2
            ad = classad2.ClassAd(
                {
                    "JobStatus": 5,
                    "HoldReasonCode": HELD_BY_JOB,
                    "EnteredCurrentStatus": int(time.time()) - middle,
                    "NumHolds": pool_holds,
                    "NumHoldsByReason": {"JobPolicy": pool_holds},
                    "ClusterId": 1,
                    "ProcId": proc,
                }
            )
            low, high = (low, middle) if self._release.eval(ad) is True else (middle, high)
        return high


def pass_hours(hours: Hours) -> Told:
    """Let the hours pass."""
    policy, told, ramp = _Policy(hours.max_retries), Told(), Ramp()
    idle: deque[int] = deque(range(hours.jobs))
    completions: Counter[int] = Counter()
    # When something happens to a job: the end of its attempt, with its status, or of its pause.
    agenda: list[tuple[float, int, int]] = []
    release, running, started, held = -1, 0, 0, 0
    now = 0.0
    while now < hours.hours * 3600:
        while agenda and agenda[0][0] <= now:
            _, job, code = heapq.heappop(agenda)
            if code == release:
                told.releases[int(now // LOOK_S)] += 1
                held -= 1
                idle.append(job)
                continue
            running -= 1
            completions[job] += 1
            if code != AWAY:
                told.attempts[job] += 1
            fate = policy.fate(code, completions[job], told.holds[job])
            if fate == "held":
                told.holds[job] += 1
                held += 1
                heapq.heappush(agenda, (now + policy.pause_s(job, told.holds[job]), job, release))
            elif fate == "again":
                idle.append(job)
            else:
                told.ends[job] = code
        ramp = ramp.after(now, started, hours.ramp_per_min)
        started = min(len(idle), ramp.starts, hours.slots - running)
        for _ in range(started):
            job = idle.popleft()
            heapq.heappush(agenda, _attempt(hours, now, job))
        running += started
        told.starts[int(now // 60)] += started
        now += LOOK_S
        if now % 3600 < LOOK_S:
            told.held.append(held)
    return told


def _attempt(hours: Hours, now: float, job: int) -> tuple[float, int, int]:
    """When an attempt that starts now ends, and how."""
    if hours.bad_every and job % hours.bad_every == 0:
        return now + 5.0, job, WORKER
    back_s = hours.away_to_h * 3600
    if hours.is_away(now) and now + hours.patience_s < back_s:
        return now + hours.patience_s, job, AWAY
    if hours.is_away(now):
        return back_s + hours.job_s, job, DONE
    away_s = hours.away_from_h * 3600
    if now < away_s < now + hours.job_s:
        return away_s + hours.patience_s, job, AWAY
    return now + hours.job_s, job, DONE
