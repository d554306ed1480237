"""What happened to one job, event by event, out of its block's event log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import CampaignError
from jobs.exits import exit_class_of
from jobs.heartbeat import decode
from monitoring.live.job_life import read_life
from monitoring.panels.job import the_job
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import number_of

if TYPE_CHECKING:
    import sqlite3

    from jobs.heartbeat import Heartbeat
    from jobs.running.standing import LogEvent
    from monitoring.live.job_life import JobLife
    from monitoring.live.one_job import JobNow
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["heartbeat_of", "job_life", "source_of", "what_is_missing"]

_Type = htcondor2.JobEventType
_SUBMIT, _EXECUTE, _TERMINATED, _HELD, _GENERIC, _CLUSTER_SUBMIT, _CLUSTER_REMOVE = (
    int(_Type.SUBMIT),
    int(_Type.EXECUTE),
    int(_Type.JOB_TERMINATED),
    int(_Type.JOB_HELD),
    int(_Type.GENERIC),
    int(_Type.CLUSTER_SUBMIT),
    int(_Type.CLUSTER_REMOVE),
)

_WORDS = {
    _SUBMIT: "came into the queue",
    _EXECUTE: "began to run",
    _TERMINATED: "ended",
    _HELD: "was held",
    int(_Type.JOB_RELEASED): "was released",
    int(_Type.JOB_EVICTED): "was sent back to the queue",
    int(_Type.JOB_ABORTED): "was removed",
    int(_Type.SHADOW_EXCEPTION): "was sent back: its shadow failed",
    int(_Type.EXECUTABLE_ERROR): "could not be started",
    int(_Type.JOB_RECONNECT_FAILED): "was sent back: its worker was lost",
    int(_Type.JOB_DISCONNECTED): "lost its connection to the worker",
    int(_Type.JOB_RECONNECTED): "is connected to its worker again",
    int(_Type.JOB_SUSPENDED): "was suspended",
    int(_Type.JOB_UNSUSPENDED): "goes on after it was suspended",
    int(_Type.FILE_TRANSFER): "transfers files",
    _CLUSTER_SUBMIT: "its cluster came into the queue",
    _CLUSTER_REMOVE: "its cluster left the queue",
}
"""Other events, such as the size of the image, say nothing of where a job is."""


def job_life(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return the events of a job's life, oldest first; heartbeats in a row are one line.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    life = read_life(shown.folder.block(row.block), number)
    rows = _rows(life)
    starts = sum(event.type == _EXECUTE for event in life.events)
    lead = f"It began to run {'once' if starts == 1 else f'{starts} times'}." if life.events else _nothing(life)
    return Panel(
        key="job-life",
        title="Its life",
        lead=f"{lead}{what_is_missing(life)}",
        source=source_of(shown, row),
        content=Table(
            columns=(
                Column("at", "When", "time"),
                Column("what", "The job"),
                Column("detail", "With"),
                Column("condor", "HTCondor's job", "code"),
            ),
            rows=rows,
            empty="Nothing has happened to it yet.",
        ),
    )


def source_of(shown: Shown, row: JobNow) -> Source:
    """Return where events of a job's life are from."""
    block = shown.folder.block(row.block)
    text = (
        "The event log of the job's block, those events that carry its number or its cluster and proc, and the block's "
        "list of clusters. A heartbeat's minute is spread evenly over the time that it covers."
    )
    return Source(text, (str(block.events_log), str(block.cluster)))


def _nothing(life: JobLife) -> str:
    return life.note if life.note else "Its block's event log says nothing of it yet."


def what_is_missing(life: JobLife) -> str:
    """Return a sentence that says how far the log is read; empty if to its end."""
    if life.whole:
        return ""
    read, there = life.read_bytes / 1e6, life.log_bytes / 1e6
    return (
        f" The event log is long: {read:,.0f} of {there:,.0f} MB are read so far, the rest follows at the next looks."
    )


def _rows(life: JobLife) -> tuple[tuple[Cell, ...], ...]:
    # Whole seconds, as in the event log, so that what comes first stands first.
    rows: list[tuple[Cell, ...]] = [
        (
            made.submitted,
            "was handed to HTCondor",
            f"with {number_of(len(made.jobs), 'job')} of its block",
            f"{made.cluster}",
        )
        for made in life.clusters
    ]
    beats: list[LogEvent] = []
    for event in life.events:
        if event.type == _GENERIC and beats and beats[0][1:3] != event[1:3]:
            rows.append(_beats_row(beats))
            beats = []
        if event.type == _GENERIC:
            beats.append(event)
            continue
        if event.type not in _WORDS:
            continue
        if beats:
            rows.append(_beats_row(beats))
            beats = []
        name = f"{event.cluster}.{event.proc}" if event.proc >= 0 else f"{event.cluster}"
        rows.append((event.at, _WORDS[event.type], _detail(event) or None, name))
    if beats:
        rows.append(_beats_row(beats))
    return tuple(sorted(rows, key=lambda row: float(row[0] or 0.0)))


def _beats_row(beats: list[LogEvent]) -> tuple[Cell, ...]:
    last = heartbeat_of(beats[-1])
    done = f", {number_of(last.total_events, 'event')} done in this attempt" if last else ""
    name = f"{beats[-1].cluster}.{beats[-1].proc}"
    return (beats[-1].at, "was heard of", f"{number_of(len(beats), 'heartbeat')} until then{done}", name)


def _detail(event: LogEvent) -> str:
    if event.type == _EXECUTE:
        return event.slot or event.host
    if event.type == _TERMINATED:
        if event.exit_code < 0:
            return f"killed by signal {event.signal or '?'}"
        used = f", {event.memory_mb:,.0f} MB of memory used" if event.memory_mb >= 0 else ""
        return f"exit status {event.exit_code}, {exit_class_of(event.exit_code)}{used}"
    if event.type == _CLUSTER_REMOVE:
        return "all its jobs had come up" if event.complete else "before all its jobs had come up"
    return event.reason


def heartbeat_of(event: LogEvent) -> Heartbeat | None:
    """Return the heartbeat that an event holds; None if there is none, or none that can be read."""
    try:
        return decode(event.text)
    except CampaignError:
        return None
