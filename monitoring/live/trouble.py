"""What does not work: failures by who must act, site and worker; retries; what holds jobs; what the collector noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.exits import ExitClass
from jobs.states import JobState
from monitoring.failures import first_line, meaning_of

if TYPE_CHECKING:
    import sqlite3

    from jobs.layout import CampaignFolder

__all__ = [
    "FailureGroup",
    "HoldBucket",
    "LiveRetries",
    "Note",
    "failure_groups",
    "hold_buckets",
    "job_log",
    "notes",
    "retries_so_far",
]

_HOLDS = {
    1: "a person held it",
    3: "the inference pool is away; it starts again by itself after a pause",
    6: "the job cannot be started on the worker",
    12: "output cannot be brought back from the worker",
    13: "input cannot be brought to the worker",
    21: "HTCondor cannot start it",
    26: "the pool's own policy",
    34: "it used more memory than it asked for",
    46: "it ran longer than it may",
    47: "it ran longer than one attempt may",
}
"""By HTCondor's HoldReasonCode; a code that is not here is shown with HTCondor's words."""

_FAILED = f"exit_class != '{ExitClass.DONE}'"
"""As in the store's index of failures, which SQLite uses for this text alone."""

_LOG_BYTES = 20_000


@dataclass(frozen=True)
class FailureGroup:
    """Attempts that failed the same way at the same place.

    Attributes:
        exit_class: an `ExitClass`, or one of those beyond the payload.
        who: must act if it stays that way.
        meaning: of the class.
        site, host: where.
        attempts: that left a record.
        jobs_failed: jobs that are failed now, whatever attempts they had.
        last_at: when the newest ended, seconds since the epoch.
        newest_job: to look at.
        error: first line of the newest one's error.

    """

    exit_class: str
    who: str
    meaning: str
    site: str
    host: str
    attempts: int
    jobs_failed: int
    last_at: float
    newest_job: int
    error: str


@dataclass(frozen=True)
class LiveRetries:
    """What was done more than once.

    Attributes:
        jobs: with more than one attempt that left a record.
        attempts: beyond the first of each job.
        wall_hours_lost: of attempts that did not succeed.
        requests_repeated, requests: to the inference pool, of all attempts that ended.

    """

    jobs: int
    attempts: int
    wall_hours_lost: float
    requests_repeated: int
    requests: int


@dataclass(frozen=True)
class HoldBucket:
    """Held jobs with the same reason.

    Attributes:
        code: HTCondor's HoldReasonCode.
        reason: what that means here.
        jobs: that are held.
        sites: where they ran last.
        since: when the oldest was held, seconds since the epoch.
        example: one job's reason in HTCondor's words.
        example_job: its number.

    """

    code: int
    reason: str
    jobs: int
    sites: tuple[str, ...]
    since: float
    example: str
    example_job: int


@dataclass(frozen=True)
class Note:
    """What the collector found wrong; `standing` while it is so."""

    source: str
    text: str
    first_at: float
    last_at: float
    times: int
    standing: bool


def failure_groups(connection: sqlite3.Connection, most: int = 100) -> list[FailureGroup]:
    """Return the failures, those of jobs that are failed for now first, then the newest."""
    groups: dict[tuple[str, str, str], FailureGroup] = {}
    rows = connection.execute(
        "SELECT exit_class, site, host, count(*), max(ended_at), job, error FROM attempts "
        f"WHERE {_FAILED} GROUP BY 1, 2, 3"
    )
    for exit_class, site, host, attempts, last_at, job, error in rows:
        row = meaning_of(exit_class)
        groups[exit_class, site, host] = FailureGroup(
            exit_class, row.who, row.meaning, site, host, attempts, 0, last_at, job, first_line(error)
        )
    rows = connection.execute(
        "SELECT exit_class, site, worker, count(*), max(since), job, CASE error WHEN '' THEN reason ELSE error END "
        "FROM jobs WHERE state = ? GROUP BY 1, 2, 3",
        (JobState.FAILED,),
    )
    for exit_class, site, host, jobs, last_at, job, error in rows:
        known = groups.get((exit_class, site, host))
        row = meaning_of(exit_class)
        groups[exit_class, site, host] = FailureGroup(
            exit_class,
            row.who,
            row.meaning,
            site,
            host,
            known.attempts if known else 0,
            jobs,
            max(last_at, known.last_at if known else 0.0),
            job,
            first_line(error) or (known.error if known else ""),
        )
    return sorted(groups.values(), key=lambda group: (-group.jobs_failed, -group.last_at))[:most]


def retries_so_far(connection: sqlite3.Connection) -> LiveRetries:
    """Sum up the attempts beyond the first."""
    jobs, attempts = connection.execute("SELECT count(*), sum(attempts - 1) FROM jobs WHERE attempts > 1").fetchone()
    lost_s = connection.execute(f"SELECT sum(max(ended - started, 0)) FROM attempts WHERE {_FAILED}").fetchone()[0]
    repeated, requests = connection.execute("SELECT sum(retries), sum(requests) FROM attempts").fetchone()
    return LiveRetries(jobs, attempts or 0, (lost_s or 0.0) / 3600, repeated or 0, requests or 0)


def hold_buckets(connection: sqlite3.Connection) -> list[HoldBucket]:
    """Return the held jobs by reason, the most first."""
    rows = connection.execute(
        "SELECT hold_code, CASE WHEN hold_code = 3 THEN reason ELSE '' END, count(*), group_concat(DISTINCT site), "
        "min(since), reason, job FROM jobs WHERE state = ? GROUP BY 1, 2 ORDER BY 3 DESC",
        (JobState.HELD,),
    )
    return [
        HoldBucket(
            code=code,
            # Holds by the job's own policy name the trouble in words that are the same for all.
            reason=first_line(own) or _HOLDS.get(code, first_line(example) or "HTCondor gives no reason"),
            jobs=jobs,
            sites=tuple(sorted(filter(None, (sites or "").split(",")))),
            since=since,
            example=first_line(example),
            example_job=job,
        )
        for code, own, jobs, sites, since, example, job in rows
    ]


def job_log(folder: CampaignFolder, block: int, job: int, most_lines: int = 12) -> tuple[str, ...]:
    """Return the first lines with something in them of a job's log; none where it has no log here."""
    try:
        with (folder.block(block).logs / f"{job}.log").open("rb") as file:
            text = file.read(_LOG_BYTES).decode(errors="replace")
    except OSError:
        return ()
    return tuple(first_line(line) for line in text.splitlines() if line.strip())[:most_lines]


def notes(connection: sqlite3.Connection, most: int = 50) -> list[Note]:
    """Return what the collector noted: what stands first, then the newest."""
    rows = connection.execute(
        "SELECT source, text, first_at, last_at, times, standing FROM notes "
        "ORDER BY standing DESC, last_at DESC LIMIT ?",
        (most,),
    )
    return [Note(row[0], row[1], row[2], row[3], row[4], standing=bool(row[5])) for row in rows]
