"""One page of the table of jobs, filtered and sorted by the store: a campaign's 100,000 rows never travel."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from sonic.pace import WIRE_OVERHEAD

if TYPE_CHECKING:
    import sqlite3

__all__ = ["JobFilter", "JobLine", "JobPage", "SortKey", "job_page"]

SortKey = Literal["job", "state", "site", "block", "flavour", "worker", "since", "starts", "sent_mbps", "beat_at"]

MOST_LINES = 500

_SENT_MBPS = f"CASE WHEN beat_window_s > 0 THEN beat_bytes_sent * {8e-6 * WIRE_OVERHEAD} / beat_window_s ELSE 0 END"
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
        sent_mbps: Mb/s on the wire of its last minute.
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
_SORTABLE = frozenset(SortKey.__args__)  # type: ignore[attr-defined] # a Literal has them


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
        descending: largest first.
        offset: lines to leave out before.
        limit: most lines; never more than `MOST_LINES`.

    Raises:
        ValueError: there is no such column to sort by.

    """
    if sort not in _SORTABLE:
        message = f"{sort}: jobs cannot be sorted by that; take one of {', '.join(sorted(_SORTABLE))}"
        raise ValueError(message)
    conditions = {f"{name} = ?": getattr(wanted, name) for name in ("state", "site", "flavour", "exit_class")}
    parts = {text: value for text, value in conditions.items() if value}
    if wanted.block >= 0:
        parts["block = ?"] = wanted.block
    if wanted.worker:
        parts["instr(worker, ?) > 0"] = wanted.worker
    where = f"WHERE {' AND '.join(parts)}" if parts else ""
    values = list(parts.values())
    total = connection.execute(f"SELECT count(*) FROM jobs {where}", values).fetchone()[0]  # noqa: S608
    rows = connection.execute(
        f"SELECT {_SELECT} FROM jobs {where} ORDER BY {sort} {'DESC' if descending else 'ASC'}, job "  # noqa: S608
        "LIMIT ? OFFSET ?",
        [*values, max(0, min(limit, MOST_LINES)), max(0, offset)],
    )
    return JobPage(tuple(JobLine(*row) for row in rows), total)
