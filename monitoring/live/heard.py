"""Until when the store knows what was: what is younger is not complete, and must not look like a fall to nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.live.bins import HEARTBEAT_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from monitoring.live.bins import Bins

__all__ = ["collected_at", "heard_last", "last_complete", "only_complete", "seen_until", "told_until"]

LAG_S = 15.0
"""What is written is in the store within this time: HTCondor's log and a tick of the collector."""


def collected_at(connection: sqlite3.Connection) -> float | None:
    """Return when the collector was last at work, seconds since the epoch; None where it does not say so."""
    row = connection.execute("SELECT json FROM latest WHERE name = 'collector'").fetchone()
    at = json.loads(row[0]).get("at") if row else None
    return float(at) if isinstance(at, int | float) else None


def seen_until(connection: sqlite3.Connection, now: float) -> float:
    """Return until when the store knows the states of jobs and what ended, seconds since the epoch."""
    at = collected_at(connection)
    return now if at is None else min(now, at)


def told_until(connection: sqlite3.Connection, now: float) -> float:
    """Return until when jobs have told what they did: one that runs tells of a minute when it is over."""
    runs = connection.execute("SELECT 1 FROM jobs WHERE state = ? LIMIT 1", (str(JobState.RUNNING),)).fetchone()
    return seen_until(connection, now) - LAG_S - (HEARTBEAT_S if runs else 0.0)


def heard_last(connection: sqlite3.Connection) -> float | None:
    """Return when the last event of a job was heard of, seconds since the epoch; None before the first."""
    times = [
        connection.execute("SELECT max(since) FROM jobs WHERE state = ?", (str(state),)).fetchone()[0]
        for state in JobState
    ]
    times.append(
        connection.execute("SELECT max(beat_at) FROM jobs WHERE state = ?", (str(JobState.RUNNING),)).fetchone()[0]
    )
    return max((float(at) for at in times if at), default=None)


def only_complete(values: Iterable[float | None], bins: Bins, until: float) -> tuple[float | None, ...]:
    """Return the values of bins, None where a bin goes beyond `until`, seconds since the epoch."""
    return tuple(
        value if start + bins.bin_s <= until else None for start, value in zip(bins.starts, values, strict=True)
    )


def last_complete(values: Sequence[float | None], bins: Bins, until: float) -> float | None:
    """Return the value of the last bin that does not go beyond `until`, seconds since the epoch; None if none does."""
    places = [place for place, start in enumerate(bins.starts) if start + bins.bin_s <= until]
    return values[places[-1]] if places else None
