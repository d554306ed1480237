"""Jobs that stand out: those that run longest, wait longest, or have not been heard of for longest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.live.links import FRESH_S

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Straggler", "longest_running", "longest_waiting", "silent_jobs"]


@dataclass(frozen=True)
class Straggler:
    """One job; `since` is when its state began and `beat_at` when it was last heard of, seconds since the epoch."""

    job: int
    site: str
    worker: str
    flavour: str
    since: float
    beat_at: float
    events: int
    attempt_events: int


_SELECT = f"SELECT {', '.join(field.name for field in fields(Straggler))} FROM jobs"


def longest_running(connection: sqlite3.Connection, most: int = 5) -> list[Straggler]:
    """Return the jobs that run longest, the longest first."""
    return _oldest(connection, JobState.RUNNING, most)


def longest_waiting(connection: sqlite3.Connection, most: int = 5) -> list[Straggler]:
    """Return the idle jobs that wait longest, the longest first."""
    return _oldest(connection, JobState.IDLE, most)


def silent_jobs(connection: sqlite3.Connection, until: float, most: int = 5) -> tuple[list[Straggler], int]:
    """Return the running jobs that were not heard of for longest, and how many there are.

    Args:
        connection: of the store.
        until: until when the store knows of heartbeats, seconds since the epoch.
        most: jobs.

    """
    silent = "WHERE state = ? AND max(beat_at, since) < ?"
    values = (str(JobState.RUNNING), until - FRESH_S)
    count = connection.execute(f"SELECT count(*) FROM jobs INDEXED BY jobs_listed {silent}", values).fetchone()[0]
    rows = connection.execute(f"{_SELECT} {silent} ORDER BY max(beat_at, since), job LIMIT ?", (*values, most))
    return [Straggler(*row) for row in rows], int(count)


def _oldest(connection: sqlite3.Connection, state: JobState, most: int) -> list[Straggler]:
    rows = connection.execute(f"{_SELECT} WHERE state = ? ORDER BY since, job LIMIT ?", (str(state), most))
    return [Straggler(*row) for row in rows]
