"""When the last event will be done, with how uncertain that is: from how unevenly events came so far.

Nothing is said before 30 jobs are done: those that end first are the short ones, and a rate that they give is too good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.states import JobState
from monitoring.live.bins import HEARTBEAT_S
from monitoring.live.states import count_states
from monitoring.store.schema import BIN_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitoring.live.states import StateCount

__all__ = ["Estimate", "Remaining", "estimate", "events_per_minute", "events_remaining", "time_left"]

FEWEST_JOBS = 30
LOOK_BACK_S = 3600.0
"""The rate is that of the last hour: what was before says little about the slots and links of now."""

_FEWEST_MINUTES = 5
_BLOCK_MINUTES = 5
"""Minutes that are drawn together: neighbours are alike, as heartbeats and throttle act in minutes."""

_DRAWS = 400
_SPREAD = (16.0, 84.0)


@dataclass(frozen=True)
class Remaining:
    """Events of the manifest, by where they are.

    Attributes:
        planned: in all jobs.
        done: in jobs that are done.
        under_way: finished by attempts that run, and lost if these fail.
        failed: in jobs that have failed; nothing waits for them.
        jobs_done: number of jobs that are done.

    """

    planned: int
    done: int
    under_way: int
    failed: int
    jobs_done: int

    @property
    def left(self) -> int:
        """Events that are still to be computed."""
        return max(0, self.planned - self.done - self.failed - self.under_way)


@dataclass(frozen=True)
class Estimate:
    """How long it takes until the last event, seconds from now.

    Attributes:
        left_s, low_s, high_s: at the rate of the last hour, and its 68 % interval; None where there is no estimate.
        why_not: in words, where there is none; empty otherwise.

    """

    left_s: float | None
    low_s: float | None
    high_s: float | None
    why_not: str = ""


def events_remaining(connection: sqlite3.Connection, counted: Sequence[StateCount] | None = None) -> Remaining:
    """Count the events that are done, under way and left.

    Args:
        connection: of the store.
        counted: jobs by state, where they are counted already.

    """
    counts = {count.state: count for count in (count_states(connection) if counted is None else counted)}
    under_way = connection.execute(
        "SELECT sum(attempt_events) FROM jobs WHERE state = ?", (JobState.RUNNING,)
    ).fetchone()[0]
    done, failed = counts.get(JobState.DONE), counts.get(JobState.FAILED)
    return Remaining(
        planned=sum(count.events for count in counts.values()),
        done=done.events if done else 0,
        under_way=int(under_way or 0),
        failed=failed.events if failed else 0,
        jobs_done=done.jobs if done else 0,
    )


def events_per_minute(connection: sqlite3.Connection, now: float) -> NDArray[np.float64]:
    """Return the events of each whole minute of the last hour that all jobs have told of, oldest first."""
    end = int((now - HEARTBEAT_S) // BIN_S) * BIN_S
    begin = end - int(LOOK_BACK_S)
    rows = connection.execute(
        "SELECT at, sum(events) FROM rollups WHERE bin_s = ? AND at >= ? AND at < ? GROUP BY at", (BIN_S, begin, end)
    ).fetchall()
    if not rows:
        return np.zeros(0)
    first = min(at for at, _ in rows)
    minutes = np.zeros((end - first) // BIN_S)
    for at, events in rows:
        minutes[(at - first) // BIN_S] = events
    return minutes


def estimate(connection: sqlite3.Connection, now: float, counted: Remaining | None = None) -> Estimate:
    """Estimate when the last event is done.

    Args:
        connection: of the store.
        now: seconds since the epoch.
        counted: what remains, where it is counted already.

    """
    remaining = events_remaining(connection) if counted is None else counted
    if remaining.left == 0 and remaining.under_way == 0:
        return Estimate(0.0, 0.0, 0.0)
    if remaining.jobs_done < FEWEST_JOBS:
        return Estimate(None, None, None, f"no estimate before {FEWEST_JOBS} jobs are done")
    return time_left(remaining.left, events_per_minute(connection, now))


def time_left(events_left: int, per_minute: NDArray[np.float64], seed: int = 1) -> Estimate:
    """Return how long the events take at the rate of these minutes.

    The interval is that of the mean rate of so many minutes, by drawing them again in blocks of neighbours (moving
    block bootstrap, Künsch, Ann. Statist. 17 (1989) 1217). That slots or budgets may change is not in it.

    Args:
        events_left: to be computed.
        per_minute: events of each minute of the past.
        seed: of the draws: the same minutes give the same interval.

    """
    minutes = len(per_minute)
    if minutes < _FEWEST_MINUTES:
        return Estimate(None, None, None, f"no estimate before jobs ran for {_FEWEST_MINUTES} minutes")
    mean = float(per_minute.mean())
    if mean <= 0:
        return Estimate(None, None, None, "no event was finished in the last hour")
    length = min(_BLOCK_MINUTES, minutes)
    blocks = math.ceil(minutes / length)
    starts = np.random.default_rng(seed).integers(0, minutes - length + 1, (_DRAWS, blocks))
    drawn = per_minute[starts[:, :, None] + np.arange(length)].reshape(_DRAWS, -1)[:, :minutes].mean(axis=1)
    slow, fast = np.percentile(drawn, _SPREAD)
    left_s = BIN_S * events_left / mean
    # The mean may lie outside of what is drawn: the first and the last minutes are drawn less often than others.
    high_s = BIN_S * events_left / min(float(slow), mean) if slow > 0 else None
    return Estimate(left_s, BIN_S * events_left / float(max(fast, mean)), high_s)
