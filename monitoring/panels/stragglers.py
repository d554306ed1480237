"""Jobs that may need a look although nothing has failed: the slow, the long idle, the silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.heard import seen_until
from monitoring.live.stragglers import longest_running, longest_waiting, silent_jobs
from monitoring.live.usage import asked_of
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import length, number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.stragglers import Straggler
    from monitoring.panels.panel import Cell, Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "stragglers"]

EVERY_S = 5.0

_LEAST_S = 60.0


def stragglers(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """List the longest runners, the oldest idle jobs, and running jobs that were not heard of."""
    seen = seen_until(connection, now)
    running, idle = longest_running(connection), longest_waiting(connection)
    silent, silent_jobs_in_all = silent_jobs(connection, seen)
    limit_s = asked_of(shown.folder).run_s
    rows = [
        *(_row(one, "runs longest", "bad" if limit_s and seen - one.since > limit_s else "") for one in running),
        *(_row(one, "waits longest", "") for one in idle),
        *(_row(one, "silent longest, may be dead", "warn") for one in silent),
    ]
    return Panel(
        "stragglers",
        "Stragglers",
        _lead(running, idle, silent_jobs_in_all, seen),
        Source(
            "Event logs: when the state of a job began, and when its last heartbeat came. A job tells of itself every "
            "minute; one that has not for three, while its log goes on, may be dead or cut off.",
            (str(shown.folder.blocks / "*" / "events.log"),),
        ),
        Table(
            (
                Column("job", "Job", "text", link=f"{shown.path}/job/{{job}}"),
                Column("why", "Here because it", tone="tone"),
                Column("since", "Since", "time"),
                Column("beat_at", "Heard of", "time"),
                Column("site", "Site", link=f"{shown.path}/site/{{site}}"),
                Column("worker", "Worker", link=f"{shown.path}/jobs?worker={{worker}}"),
                Column("flavour", "Flavour"),
                Column("events_done", "Events done", "count", note="in the attempt that runs"),
                Column("events", "Events", "count"),
                Column("tone", ""),
            ),
            tuple(rows),
            empty="No job runs or waits.",
        ),
        tone="warn" if silent else "",
    )


def _lead(running: list[Straggler], idle: list[Straggler], silent: int, seen: float) -> str:
    if not running and not idle:
        return "No job runs or waits."
    parts = []
    if running:
        at = f" at {running[0].site}" if running[0].site else ""
        parts.append(f"job {running[0].job}{at} has been running longest, {_for(seen - running[0].since)}")
    if idle:
        parts.append(f"job {idle[0].job} has been idle longest, {_for(seen - idle[0].since)}")
    text = "; ".join(parts)
    verb = "was" if silent == 1 else "were"
    if silent:
        dead = f" {number_of(silent, 'running job')} {verb} not heard of for more than 3 minutes and may be dead."
    else:
        dead = " Every running job was heard of." if running else ""
    return f"{text[0].upper()}{text[1:]}.{dead}"


def _for(seconds: float) -> str:
    return length(seconds) if seconds >= _LEAST_S else "less than a minute"


def _row(one: Straggler, why: str, tone: Tone) -> tuple[Cell, ...]:
    runs = why != "waits longest"
    return (
        one.job,
        why,
        one.since or None,
        one.beat_at or None,
        one.site or None,
        one.worker or None,
        one.flavour,
        one.attempt_events if runs else None,
        one.events,
        tone,
    )
