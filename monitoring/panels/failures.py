"""What failed, where, and who must act."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from monitoring.failures import meaning_of
from monitoring.live.trouble import failure_groups
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import listed, number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.trouble import FailureGroup
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "failures"]

EVERY_S = 5.0

MOST_ROWS = 50


def failures(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Group failed attempts and failed jobs by exit class, site and worker, of the campaign or of one site."""
    del now  # the counts are those of the store
    groups = [one for one in failure_groups(connection, most=sys.maxsize) if not site or one.site == site]
    failed = sum(one.jobs_failed for one in groups)
    return Panel(
        "failures",
        "Failures",
        _lead(groups, site),
        Source(
            "Attempts are counted by their records, each once; failed jobs by the event logs and the blocks' "
            "outcomes. The error is the first line of the newest one's.",
            (str(shown.folder.blocks / "*" / "records"), str(shown.folder.blocks / "*" / "events.log")),
        ),
        Table(
            (
                Column("exit_class", "Exit class", link=f"{shown.path}/jobs?exit_class={{exit_class}}&state=failed"),
                Column("who", "Must act"),
                Column("jobs_failed", "Jobs failed", "count", tone="tone", note="not tried again by themselves"),
                Column("attempts", "Attempts", "count", note="that left a record, tried again or not"),
                Column("site", "Site", link=f"{shown.path}/site/{{site}}"),
                Column("host", "Worker", link=f"{shown.path}/jobs?worker={{host}}"),
                Column("last_at", "Last", "time"),
                Column("error", "Newest error"),
                Column("job", "Its job", "count", link=f"{shown.path}/job/{{job}}"),
                Column("meaning", "Meaning"),
                Column("tone", ""),
            ),
            tuple(_row(one) for one in groups[:MOST_ROWS]),
            empty="Nothing has failed.",
        ),
        tone="bad" if failed else "",
    )


def _lead(groups: list[FailureGroup], site: str) -> str:
    at = f" at {site}" if site else ""
    if not groups:
        return f"Nothing has failed{at}."
    failed: Counter[str] = Counter()
    for one in groups:
        failed[one.exit_class] += one.jobs_failed
    jobs, attempts = sum(failed.values()), sum(one.attempts for one in groups)
    rest = f" {len(groups) - MOST_ROWS:,} more rows are not shown." if len(groups) > MOST_ROWS else ""
    if not jobs:
        plural = "attempt has" if attempts == 1 else "attempts have"
        return f"{attempts:,} {plural} failed{at}, and no job has: each was tried again, or waits for it.{rest}"
    ((most, count), *_) = failed.most_common(1)
    sites = sorted({one.site for one in groups if one.exit_class == most and one.jobs_failed and one.site})
    where = at or (f" at {listed(sites)}" if sites else "")
    said = f"as {most or 'unknown'}" if count == jobs else f"{count:,} of them as {most or 'unknown'}"
    verb = "has" if jobs == 1 else "have"
    return (
        f"{number_of(jobs, 'job')} {verb} failed{where}, {said}; nothing tries {'it' if jobs == 1 else 'them'} again "
        f"before `sonicgrid submit`. Must act: {meaning_of(most).who}.{rest}"
    )


def _row(one: FailureGroup) -> tuple[Cell, ...]:
    return (
        one.exit_class or None,
        one.who,
        one.jobs_failed,
        one.attempts,
        one.site or None,
        one.host or None,
        one.last_at or None,
        one.error or None,
        one.newest_job,
        one.meaning,
        "bad" if one.jobs_failed else "",
    )
