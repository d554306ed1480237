"""What holds jobs, in words, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.trouble import hold_buckets
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import listed, number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.trouble import HoldBucket
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "holds"]

EVERY_S = 5.0

_BY_A_PERSON = 1
_BY_THE_JOB = 3
"""HoldReasonCodes: who held a job says who lets it go."""


def holds(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Group the held jobs by reason, the most first."""
    del now  # the counts are those of the store
    buckets = hold_buckets(connection)
    return Panel(
        "holds",
        "Held jobs",
        _lead(buckets),
        Source(
            "Hold events in the blocks' event logs: HTCondor's code and its words, of jobs that are held now.",
            (str(shown.folder.blocks / "*" / "events.log"),),
        ),
        Table(
            (
                Column("reason", "Reason"),
                Column("jobs", "Jobs", "count", link=f"{shown.path}/jobs?state=held"),
                Column("sites", "Ran at"),
                Column("since", "Oldest since", "time"),
                Column("goes_on", "What lets them go"),
                Column("example", "One of them in HTCondor's words"),
                Column("job", "Which", "text", link=f"{shown.path}/job/{{job}}"),
                Column("code", "Code", "code", note="HTCondor's HoldReasonCode"),
            ),
            tuple(_row(one) for one in buckets),
            empty="No job is held.",
        ),
        tone="warn" if buckets else "",
    )


def _lead(buckets: list[HoldBucket]) -> str:
    if not buckets:
        return "No job is held."
    jobs = sum(one.jobs for one in buckets)
    first = buckets[0]
    most = "" if len(buckets) == 1 else f", {first.jobs:,} of them"
    at = f" at {listed(first.sites)}" if first.sites else ""
    verb = "is" if jobs == 1 else "are"
    reason = first.reason.rstrip(".")
    return f"{number_of(jobs, 'job')} {verb} held{most}{at}: {reason}. What lets them go: {_goes_on(first)}."


def _goes_on(one: HoldBucket) -> str:
    if one.code == _BY_A_PERSON:
        return "a person, with `sonicgrid release`"
    if one.code == _BY_THE_JOB:
        return "time: HTCondor starts each again after a pause, which grows up to an hour"
    return "time, up to three times; if it is held once more it fails"


def _row(one: HoldBucket) -> tuple[Cell, ...]:
    return (
        one.reason,
        one.jobs,
        ", ".join(one.sites) or None,
        one.since or None,
        _goes_on(one),
        one.example or None,
        one.example_job,
        str(one.code),
    )
