"""One page of the table of jobs, filtered and sorted by the store: a campaign's 100,000 rows never travel."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, get_args

from sonic.pace import WIRE_OVERHEAD

if TYPE_CHECKING:
    import sqlite3

__all__ = ["MOST_LINES", "SORTABLE", "JobFilter", "JobLine", "JobPage", "SortKey", "count_filtered", "job_page"]

SortKey = Literal["job", "state", "site", "block", "flavour", "worker", "since", "starts", "sent_mbps", "beat_at"]

MOST_LINES = 500

_SENT_MBPS = (
    f"CASE WHEN state = 'running' AND beat_window_s > 0 "
    f"THEN beat_bytes_sent * {8e-6 * WIRE_OVERHEAD} / beat_window_s ELSE 0 END"
)
_PROGRESS = "CASE state WHEN 'done' THEN events WHEN 'running' THEN attempt_events ELSE 0 END"


@dataclass(frozen=True)
class JobFilter:
    """Which jobs; an empty field takes all.

    Attributes:
        state, site, flavour, exit_class: words of the store.
        block: number of the block; negative for all.
        worker: part of a machine's name.

    """

    state: str = ""
    site: str = ""
    flavour: str = ""
    exit_class: str = ""
    block: int = -1
    worker: str = ""


@dataclass(frozen=True)
class JobLine:
    """One job.

    Attributes:
        job, block, state, site, flavour, worker: which, where it stands, and where it is or was last.
        since: when its state began, seconds since the epoch.
        starts: how often it began to run in its cluster.
        events, events_done: of the manifest; finished in the attempt that runs, or all when it is done.
        sent_mbps: Mb/s on the wire of its last minute; 0 if it does not run.
        share_mbps: what it may send; None if it is not paced.
        beat_at: when it was last heard of, seconds since the epoch; 0 if it was not.
        exit_class, reason, error: how it ended, or why it is held.
        cluster, proc: of HTCondor.

    """

    job: int
    block: int
    state: str
    site: str
    flavour: str
    worker: str
    since: float
    starts: int
    events: int
    events_done: int
    sent_mbps: float
    share_mbps: float | None
    beat_at: float
    exit_class: str
    reason: str
    error: str
    cluster: int
    proc: int


@dataclass(frozen=True)
class JobPage:
    """Some lines, and how many jobs there are in all that pass the filter."""

    lines: tuple[JobLine, ...]
    total: int


_EXPRESSIONS = {"events_done": _PROGRESS, "sent_mbps": _SENT_MBPS}
_SELECT = ", ".join(f"{_EXPRESSIONS.get(field.name, field.name)} AS {field.name}" for field in fields(JobLine))
SORTABLE: tuple[SortKey, ...] = get_args(SortKey)


def job_page(
    connection: sqlite3.Connection,
    wanted: JobFilter,
    sort: SortKey = "job",
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> JobPage:
    """Return some jobs.

    Args:
        connection: of the store.
        wanted: which.
        sort: by what; jobs that are equal in it are in the order of their numbers.
        descending: largest first, the largest number too.
        offset: lines to leave out before.
        limit: most lines; never more than `MOST_LINES`.

    Raises:
        ValueError: there is no such column to sort by.

    """
    if sort not in SORTABLE:
        message = f"{sort}: jobs cannot be sorted by that; take one of {', '.join(sorted(SORTABLE))}"
        raise ValueError(message)
    where, values = _where(wanted)
    total = connection.execute(f"SELECT count(*) FROM jobs {where}", values).fetchone()[0]
    offset, limit = max(0, min(offset, total)), max(0, min(limit, MOST_LINES, total - offset))
    # From the end that is nearer, which takes half as long in the middle.
    from_end = total - offset - limit
    backwards = from_end < offset
    order = "DESC" if descending != backwards else "ASC"
    numbers = connection.execute(
        f"SELECT job FROM jobs {where} ORDER BY {_EXPRESSIONS.get(sort, sort)} {order}, job {order} LIMIT ? OFFSET ?",
        [*values, limit, from_end if backwards else offset],
    ).fetchall()
    # Whole rows of so few only: all that is filtered and sorted by is in one index, without the texts.
    marks = ", ".join("?" * len(numbers))
    rows = connection.execute(f"SELECT {_SELECT} FROM jobs WHERE job IN ({marks})", [row[0] for row in numbers])
    found = {row[0]: JobLine(*row) for row in rows}
    lines = [found[row[0]] for row in numbers]
    return JobPage(tuple(reversed(lines) if backwards else lines), total)


def count_filtered(connection: sqlite3.Connection, wanted: JobFilter) -> dict[str, int]:
    """Return how many jobs of each state pass a filter, whatever state it asks for; states without a job are left out.

    Args:
        connection: of the store.
        wanted: which.

    """
    where, values = _where(replace(wanted, state=""))
    rows = connection.execute(f"SELECT state, count(*) FROM jobs {where} GROUP BY state", values)
    return {row[0]: row[1] for row in rows}


def _where(wanted: JobFilter) -> tuple[str, list[str | int]]:
    """Return the condition and its values."""
    conditions: dict[str, str | int] = {
        f"{name} = ?": getattr(wanted, name) for name in ("state", "site", "flavour", "exit_class")
    }
    parts = {text: value for text, value in conditions.items() if value}
    if wanted.block >= 0:
        parts["block = ?"] = wanted.block
    if wanted.worker:
        parts["instr(worker, ?) > 0"] = wanted.worker
    where = f"WHERE {' AND '.join(parts)}" if parts else ""
    # SQLite takes it by itself only where there are statistics; those of one block are found sooner by their own index.
    index = "" if wanted.block >= 0 else "INDEXED BY jobs_listed "
    return f"{index}{where}", list(parts.values())
