"""What failed, where, and who must act."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
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

_MOST_WORKERS = 3
"""Of one site that are listed one by one where more failed alike."""

_LARGE = 0.2
"""Part of a site's failures from which on one worker is named: it may be that worker's fault alone."""


def failures(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Group failed attempts and failed jobs by exit class, site and worker, of the campaign or of one site."""
    del now  # the counts are those of the store
    groups = [one for one in failure_groups(connection, most=sys.maxsize) if not site or one.site == site]
    folded = _fold(groups)
    return Panel(
        "failures",
        "Failures",
        _lead(folded, site),
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
                Column("host", "Worker", note="where many of a site failed alike, those with a large part are named"),
                Column("last_at", "Last", "time"),
                Column("error", "Newest error"),
                Column("job", "Its job", "text", link=f"{shown.path}/job/{{job}}"),
                Column("meaning", "Meaning"),
                Column("tone", ""),
            ),
            tuple(_row(one) for one in folded[: shown.at_most(MOST_ROWS)]),
            empty="Nothing has failed.",
        ),
        tone="bad" if any(one.jobs_failed for one in folded) else "",
    )


def _fold(groups: list[FailureGroup]) -> list[FailureGroup]:
    """Put the workers of a site that failed alike into one line, but for those with a large part of it."""
    alike: dict[tuple[str, str], list[FailureGroup]] = {}
    for one in groups:
        alike.setdefault((one.exit_class, one.site), []).append(one)
    folded = []
    for several in alike.values():
        if len(several) <= _MOST_WORKERS:
            folded += several
            continue
        most = _LARGE * sum(map(_size, several))
        folded += [one for one in several if _size(one) > most]
        rest = [one for one in several if _size(one) <= most]
        if not rest:
            continue
        newest = max(rest, key=lambda one: one.last_at)
        workers = f"{len(rest):,} {'other ' if len(rest) < len(several) else ''}workers"
        jobs, attempts = sum(one.jobs_failed for one in rest), sum(one.attempts for one in rest)
        folded.append(replace(newest, host=workers, jobs_failed=jobs, attempts=attempts))
    return sorted(folded, key=lambda one: (-one.jobs_failed, -one.last_at))


def _size(one: FailureGroup) -> int:
    return max(one.jobs_failed, one.attempts)


def _lead(groups: list[FailureGroup], site: str) -> str:
    at = f" at {site}" if site else ""
    if not groups:
        return f"Nothing has failed{at}."
    failed: Counter[str] = Counter()
    for one in groups:
        failed[one.exit_class] += one.jobs_failed
    jobs, attempts = sum(failed.values()), sum(one.attempts for one in groups)
    rest = f" {len(groups) - MOST_ROWS:,} more rows are only in the CSV." if len(groups) > MOST_ROWS else ""
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
