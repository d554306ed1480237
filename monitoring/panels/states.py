"""How many jobs are in which state: over time, by site, by flavour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.states import DISPLAY_ORDER, JobState
from monitoring.live.bins import bins_of
from monitoring.live.heard import seen_until
from monitoring.live.links import grid_now
from monitoring.live.states import count_states, states_over_time
from monitoring.panels.panel import Column, Line, Panel, Plot, Source, Table
from monitoring.panels.wording import listed, number_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitoring.live.states import By, StateCount
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["COUNTS_EVERY_S", "PLOT_EVERY_S", "flavours", "state_columns", "states", "states_table"]

PLOT_EVERY_S = 5.0
COUNTS_EVERY_S = 2.0

MOST_SITES = 100

_JOBS = 1 + len(DISPLAY_ORDER)
"""Place of the number of all jobs in a row."""

_WORDS = {
    JobState.HELD: ("is held", "are held"),
    JobState.FAILED: ("has failed", "have failed"),
    JobState.RUNNING: ("runs", "run"),
    JobState.IDLE: ("waits in HTCondor's queue", "wait in HTCondor's queue"),
    JobState.PENDING: ("is not in the queue yet", "are not in the queue yet"),
    JobState.DONE: ("is done", "are done"),
}


def states(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Show the jobs by state over time, of the campaign or of one site."""
    bins = bins_of(shown.span(connection, now), now)
    until = seen_until(connection, now)
    series = {one.state: one.jobs for one in states_over_time(connection, bins, "site" if site else "", site)}
    lines = tuple(
        Line(
            str(state),
            str(state),
            tuple(
                float(jobs) if start <= until else None for start, jobs in zip(bins.starts, series[state], strict=True)
            ),
            "state",
        )
        for state in DISPLAY_ORDER
        if state in series
    )
    counts = {one.state: one.jobs for one in _counted(connection, site)}
    return Panel(
        "states",
        "Jobs by state",
        _sentence(counts),
        Source(
            "HTCondor's event logs, and the outcome of a block once there is one: the counts of now, taken back change "
            "by change. Each bin has the counts at its end; the last one those of now."
            + (" A job that has not started yet has no site." if site else ""),
            (str(shown.folder.root / "blocks" / "*" / "events.log"),),
        ),
        Plot("count", bins.bin_s, bins.starts, lines, stacked=True, empty="No job has come up here yet."),
    )


def states_table(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Count the jobs of each site by state."""
    del now  # the counts are those of the store
    counts = count_states(connection, "site")
    names = sorted({*grid_now(connection)["sites"], *(one.group for one in counts if one.group)})
    rows = _rows(names, counts)
    order = sorted(rows, key=lambda row: [-int(value or 0) for value in (*row[1:5], row[_JOBS])])
    most = order[: shown.at_most(MOST_SITES)]
    busy = [str(row[0]) for row in rows if row[_JOBS]]
    nowhere = sum(one.jobs for one in counts if not one.group)
    lead = f"Jobs run or ran at {listed(busy)}." if busy else "No job has a site yet."
    if nowhere:
        lead += f" {number_of(nowhere, 'job')} did not start yet, and may go to any of them."
    if len(rows) > MOST_SITES:
        lead += f" The {MOST_SITES} with the most trouble and jobs are shown, of {len(rows):,}; the CSV has all."
    return Panel(
        "states-table",
        "Sites",
        lead,
        Source(
            "The state of each job of the manifest, at the site of its newest attempt, by HTCondor's event logs, "
            "heartbeats and records.",
            (str(shown.folder.root / "blocks" / "*" / "events.log"),),
        ),
        Table(
            (
                Column("site", "Site", link=f"{shown.path}/site/{{site}}", note="none for jobs that did not start yet"),
                *state_columns(f"{shown.path}/jobs?site={{site}}&state="),
            ),
            (
                *(row for row in rows if row in most),
                *((None, *row[1:]) for row in (_rows([""], counts) if nowhere else ())),
            ),
            empty="No job has a site yet.",
        ),
    )


def flavours(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Count the jobs of each flavour by state."""
    del now
    counts = count_states(connection, "flavour")
    names = sorted({one.group for one in counts})
    rows = _rows(names, counts)
    parts = [f"{number_of(int(row[_JOBS] or 0), 'job')} of flavour {row[0]}" for row in rows]
    return Panel(
        "flavours",
        "Flavours",
        f"{listed(parts)}." if parts else "",
        Source(
            "The manifest, and for jobs of flavour `auto` that have started the flavour of their newest attempt.",
            (str(shown.folder.manifest),),
        ),
        Table(
            (
                Column("flavour", "Flavour", note="gpu: in the inference pool; cpu: in the job itself"),
                *state_columns(f"{shown.path}/jobs?flavour={{flavour}}&state="),
            ),
            tuple(rows),
        ),
    )


def state_columns(link: str) -> tuple[Column, ...]:
    """Return the columns of a table of jobs by state: each state, all jobs, events, and the part that is done.

    Args:
        link: page of the jobs in a state, to which the state is added.

    """
    return (
        *(
            Column(
                str(state),
                str(state),
                "count",
                link=f"{link}{state}",
                tone="tone_held" if state == JobState.HELD else "tone_failed" if state == JobState.FAILED else "",
            )
            for state in DISPLAY_ORDER
        ),
        Column("jobs", "all", "count", link=link.rpartition("&")[0]),
        Column("events", "events", "count", note="of the manifest, in these jobs"),
        Column("done_share", "done", "share", bar=True, note="part of the events whose job is done"),
        Column("tone_held", ""),
        Column("tone_failed", ""),
    )


def _rows(names: Sequence[str], counts: Sequence[StateCount]) -> list[tuple[Cell, ...]]:
    found = {(one.group, one.state): one for one in counts}
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        here = {state: found.get((name, state)) for state in DISPLAY_ORDER}
        jobs = {state: one.jobs if one else 0 for state, one in here.items()}
        events = sum(one.events for one in here.values() if one)
        done = here[JobState.DONE]
        rows.append(
            (
                name,
                *jobs.values(),
                sum(jobs.values()),
                events,
                (done.events if done else 0) / events if events else None,
                "warn" if jobs[JobState.HELD] else "",
                "bad" if jobs[JobState.FAILED] else "",
            )
        )
    return rows


def _counted(connection: sqlite3.Connection, site: str) -> list[StateCount]:
    by: By = "site" if site else ""
    return [one for one in count_states(connection, by) if one.group == site]


def _sentence(counts: dict[str, int]) -> str:
    """Return the counts in words, what a person looks for first coming first."""
    parts = []
    for state in DISPLAY_ORDER:
        jobs = counts.get(state, 0)
        if jobs:
            parts.append(f"{jobs:,} {_WORDS[state][jobs != 1]}")
    return f"Of {number_of(sum(counts.values()), 'job')}, {listed(parts, len(parts))}." if parts else ""
