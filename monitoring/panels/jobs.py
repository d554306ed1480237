"""Which jobs there are and how each of them stands: a page of the long table, and what it can be narrowed down to."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from jobs.states import DISPLAY_ORDER, JobState
from monitoring.failures import first_line
from monitoring.live.job_page import MOST_LINES, JobFilter, count_filtered, job_page
from monitoring.panels.address_query import address_query
from monitoring.panels.panel import Column, Fact, Facts, Paging, Panel, Source, Table
from monitoring.panels.wording import number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.job_page import JobLine, SortKey
    from monitoring.panels.panel import Cell, Tone
    from monitoring.panels.shown import Shown

__all__ = ["filter_text", "jobs", "jobs_by_state", "jobs_link"]

TONES: dict[str, Tone] = {JobState.HELD: "warn", JobState.FAILED: "bad"}
"""States that somebody has to look at."""

_MEANINGS = {
    JobState.HELD: "HTCondor holds them",
    JobState.FAILED: "not tried again",
    JobState.RUNNING: "on a slot",
    JobState.IDLE: "wait for a slot",
    JobState.PENDING: "not in the queue yet",
    JobState.DONE: "output is there",
}

_WORDS = {"exit_class": "exit class"}

_SOURCE = (
    "The store's table of jobs: one row per job of the manifest, by the blocks' event logs and, where a block is "
    "through, its outcome; Mb/s are of the last heartbeat of a job that runs, bytes of requests and 5 % for framing."
)


def jobs(
    connection: sqlite3.Connection,
    shown: Shown,
    now: float,
    wanted: JobFilter,
    sort: SortKey = "job",
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> Panel:
    """Return one page of the table of jobs.

    Args:
        connection: of the store.
        shown: the campaign.
        now: seconds since the epoch.
        wanted: which jobs.
        sort: by which column.
        descending: largest first.
        offset: rows before the first one; past the end, the last page is given.
        limit: most rows.

    Raises:
        ValueError: there is no such column to sort by.

    """
    limit = max(1, min(limit, MOST_LINES))
    page = job_page(connection, wanted, sort, descending=descending, offset=offset, limit=limit)
    if not page.lines and page.total:
        offset = (page.total - 1) // limit * limit
        page = job_page(connection, wanted, sort, descending=descending, offset=offset, limit=limit)
    offset = max(0, offset) if page.total else 0
    narrowed = filter_text(wanted)
    if not page.total:
        lead = f"No job: {narrowed}." if narrowed else "The campaign has no jobs."
    else:
        rows = f"{offset + 1:,} to {offset + len(page.lines):,}"
        lead = f"{number_of(page.total, 'job')}{f': {narrowed}' if narrowed else ''}; {rows} shown, by {_word(sort)}."
    return Panel(
        key="jobs",
        title="Jobs",
        lead=lead,
        source=Source(_SOURCE, (str(shown.folder.manifest), str(shown.folder.blocks))),
        content=Table(
            columns=_columns(shown, wanted),
            rows=tuple(_row(line) for line in page.lines),
            empty="No job passes this filter; take a part of it away.",
            paging=Paging(page.total, offset, limit, sort, descending),
        ),
    )


def jobs_by_state(
    connection: sqlite3.Connection,
    shown: Shown,
    now: float,
    wanted: JobFilter,
) -> Panel:
    """Return how many jobs of each state pass a filter, each with a link to them."""
    counts = count_filtered(connection, wanted)
    total = sum(counts.values())
    narrowed = filter_text(replace(wanted, state=""))
    every = Fact(
        key="all",
        title="all",
        value=total,
        note="shown" if not wanted.state else "show them",
        link=jobs_link(shown, replace(wanted, state="")),
    )
    facts = [
        Fact(
            key=str(state),
            title=str(state),
            value=counts.get(state, 0),
            note="shown" if wanted.state == state else _MEANINGS[state],
            tone=TONES.get(state, "") if counts.get(state) else "",
            link=jobs_link(shown, replace(wanted, state=str(state))),
        )
        for state in DISPLAY_ORDER
    ]
    whole = Fact(key="whole", title="without filter", value="all jobs", unit="text", link=jobs_link(shown, JobFilter()))
    return Panel(
        key="jobs-states",
        title="Jobs by state",
        lead=f"{number_of(total, 'job')}{f': {narrowed}' if narrowed else ' in the campaign'}.",
        source=Source(_SOURCE, (str(shown.folder.manifest), str(shown.folder.blocks))),
        content=Facts((every, *facts, whole) if narrowed else (every, *facts)),
    )


def filter_text(wanted: JobFilter) -> str:
    """Return a filter in words; empty for one that takes all."""
    parts = [f"{_word(name)} {value}" for name, value in asdict(wanted).items() if value not in ("", -1)]
    return ", ".join(part.replace("worker ", "worker with ", 1) for part in parts)


def jobs_link(shown: Shown, wanted: JobFilter) -> str:
    """Return the address of the jobs that pass a filter."""
    return f"{shown.path}/jobs{address_query(**asdict(wanted))}"


def _word(name: str) -> str:
    words = {
        "sent_mbps": "Mb/s",
        "beat_at": "when they were last heard of",
        "job": "number",
        "starts": "number of starts",
    }
    return _WORDS.get(name, words.get(name, name))


def _columns(shown: Shown, wanted: JobFilter) -> tuple[Column, ...]:
    def narrow(key: str) -> str:
        """Return the address of those jobs of here that have the same value in a column."""
        others = address_query(**{name: value for name, value in asdict(wanted).items() if name != key})
        return f"{shown.path}/jobs{others}{'&' if others else '?'}{key}={{{key}}}"

    return (
        Column("job", "Job", "text", link=f"{shown.path}/job/{{job}}", sort=True),
        Column("state", "State", "state", link=narrow("state"), sort=True),
        Column("since", "Since", "time", sort=True, note="when its state began"),
        Column("site", "Site", link=narrow("site"), sort=True, note="of its newest attempt"),
        Column("block", "Block", "count", link=narrow("block"), sort=True),
        Column("flavour", "Flavour", link=narrow("flavour"), sort=True),
        Column("worker", "Worker", link=narrow("worker"), sort=True),
        Column("starts", "Starts", "count", sort=True, note="how often it began to run in its cluster"),
        Column("events_done", "Events done", "count", note="all when it is done, else those of the attempt that runs"),
        Column("events", "Events", "count", note="in the manifest"),
        Column("sent_mbps", "Sends", "mbps", sort=True, note="in its last minute"),
        Column("share_mbps", "May send", "mbps", note="its share of the link"),
        Column("beat_at", "Heard of", "time", sort=True, note="its last heartbeat"),
        Column("exit_class", "Exit class", link=narrow("exit_class")),
        Column("why", "Why", note="first line of the error, or HTCondor's reason"),
        Column("condor", "HTCondor's job", "code", note="cluster and proc"),
    )


def _row(line: JobLine) -> tuple[Cell, ...]:
    runs = line.state == JobState.RUNNING
    return (
        line.job,
        line.state,
        line.since or None,
        line.site or None,
        line.block,
        line.flavour,
        line.worker or None,
        line.starts,
        line.events_done,
        line.events,
        line.sent_mbps if runs and line.beat_at else None,
        line.share_mbps if runs else None,
        line.beat_at or None,
        line.exit_class or None,
        first_line(line.error or line.reason) or None,
        f"{line.cluster}.{line.proc}" if line.proc >= 0 else None,
    )
