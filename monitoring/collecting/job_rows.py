"""The store's table of jobs as it changes within one transaction, and what the changes add to the counts over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from jobs.exits import ExitClass
from jobs.running.outcome import failure_class
from jobs.running.standing import Standing
from jobs.states import JobState
from monitoring.store.schema import BIN_S, FINE_BIN_S, JOB_COLUMNS, KEEP_FINE_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

__all__ = ["JobRow", "JobRows"]


@dataclass(slots=True)
class JobRow:
    """One job; docs/reference/dashboard-store.md says what each field is and where it is from."""

    job: int
    block: int
    events: int
    state: str
    flavour: str
    site: str
    worker: str
    since: float
    log_state: str
    cluster: int
    proc: int
    starts: int
    exit_code: int
    host: str
    log_since: float
    reason: str
    hold_code: int
    hold_subcode: int
    began: float
    memory_mb: float
    disk_mb: float
    outcome: str
    outcome_at: float
    attempts: int
    record_class: str
    record_started: float
    exit_class: str
    error: str
    beat_at: float
    beat_attempt: int
    beat_window_s: float
    beat_bytes_sent: int
    beat_paced_s: float
    beat_inference_s: float
    attempt_events: int
    attempt_bytes_sent: int
    share_mbps: float | None

    @property
    def standing(self) -> Standing:
        """What the event log says of it."""
        return Standing(
            JobState(self.log_state),
            self.cluster,
            self.proc,
            self.starts,
            self.exit_code,
            self.host,
            self.log_since,
            self.reason,
        )


_SELECT = f"SELECT {', '.join(JOB_COLUMNS)} FROM jobs WHERE "
_UPDATE = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in JOB_COLUMNS[1:])} WHERE job = ?"
_values_of = attrgetter(*JOB_COLUMNS[1:], "job")


class JobRows:
    """Rows that were looked at in one transaction; `flush` writes those that changed.

    Args:
        connection: of the store, in a transaction.
        now: seconds since the epoch; changes of the last day are counted in finer bins too.

    """

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        self._connection = connection
        self._fine_from = now - KEEP_FINE_S
        self._rows: dict[int, JobRow] = {}
        self._blocks: dict[int, list[JobRow]] = {}
        self._of_proc: dict[tuple[int, int, int], JobRow] = {}
        self._changed: set[int] = set()
        self._moves: defaultdict[tuple[int, int, str, str, str], int] = defaultdict(int)

    def by_number(self, job: int) -> JobRow | None:
        """Return a job by its number in the manifest."""
        row = self._rows.get(job)
        if row is None:
            found = self._connection.execute(f"{_SELECT} job = ?", (job,)).fetchone()
            if found is None:
                return None
            row = self._keep(JobRow(*found))
        return row

    def by_proc(self, block: int, cluster: int, proc: int) -> JobRow | None:
        """Return the job of a block that has this cluster and proc as its newest."""
        row = self._of_proc.get((block, cluster, proc))
        if row is not None or block in self._blocks:
            return row
        found = self._connection.execute(
            f"{_SELECT} cluster = ? AND proc = ? AND block = ?", (cluster, proc, block)
        ).fetchone()
        # A row that is here already is newer than the table.
        return None if found is None or found[0] in self._rows else self._keep(JobRow(*found))

    def of_block(self, block: int) -> list[JobRow]:
        """Return all jobs of a block, by their numbers."""
        if block not in self._blocks:
            found = self._connection.execute(f"{_SELECT} block = ? ORDER BY job", (block,)).fetchall()
            self._blocks[block] = [self._rows.get(columns[0]) or self._keep(JobRow(*columns)) for columns in found]
        return self._blocks[block]

    def stands(self, row: JobRow, standing: Standing) -> None:
        """Put down what the event log now says of a job."""
        if (row.cluster, row.proc) != (standing.cluster, standing.proc):
            self._of_proc.pop((row.block, row.cluster, row.proc), None)
            self._of_proc[row.block, standing.cluster, standing.proc] = row
        row.log_state, row.log_since = str(standing.state), standing.since
        row.cluster, row.proc, row.starts = standing.cluster, standing.proc, standing.starts
        row.exit_code, row.host, row.reason = standing.exit_code, standing.host, standing.reason
        self.settle(row)

    def ended(self, row: JobRow, outcome: str, exit_class: str, error: str, at: float) -> None:
        """Put down what the outcome of its block says of a job; all empty when there is none any more."""
        row.outcome, row.outcome_at, row.exit_class, row.error = outcome, at, exit_class, error
        self.settle(row)

    def settle(self, row: JobRow) -> None:
        """Bring a job's state up to date: what the outcome of its block says counts more than the event log."""
        state = row.outcome or row.log_state
        since = row.log_since if state == row.log_state else row.outcome_at
        if not row.outcome:
            row.exit_class = self._exit_class(row)
        if state != row.state:
            self._move(row, since, state, row.site, row.flavour)
        row.since = since
        self._changed.add(row.job)

    def place(self, row: JobRow, site: str, flavour: str) -> None:
        """Put down where a job is and what it is; the counts since its state began are put right."""
        if (site, flavour) != (row.site, row.flavour):
            self._move(row, row.since, row.state, site, flavour)
            self._changed.add(row.job)

    def change(self, row: JobRow) -> None:
        """Say that something else of a row was changed."""
        self._changed.add(row.job)

    def flush(self) -> None:
        """Write what changed."""
        self._connection.executemany(_UPDATE, (_values_of(self._rows[job]) for job in sorted(self._changed)))
        self._connection.executemany(
            "INSERT INTO changes (bin_s, at, site, flavour, state, jobs) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (bin_s, at, site, flavour, state) DO UPDATE SET jobs = jobs + excluded.jobs",
            self._binned(),
        )
        by_block: Counter[tuple[int, int, str]] = Counter()
        for (at, block, _, _, state), jobs in self._moves.items():
            by_block[block, at // BIN_S * BIN_S, state] += jobs
        self._connection.executemany(
            "INSERT INTO block_changes (block, at, state, jobs) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (block, at, state) DO UPDATE SET jobs = jobs + excluded.jobs",
            ((*key, jobs) for key, jobs in by_block.items() if jobs),
        )
        self._changed.clear()
        self._moves.clear()

    def _keep(self, row: JobRow) -> JobRow:
        self._rows[row.job] = row
        if row.cluster >= 0:
            self._of_proc[row.block, row.cluster, row.proc] = row
        return row

    def _move(self, row: JobRow, at: float, state: str, site: str, flavour: str) -> None:
        fine = int(at // FINE_BIN_S) * FINE_BIN_S
        self._moves[fine, row.block, row.site, row.flavour, row.state] -= 1
        self._moves[fine, row.block, site, flavour, state] += 1
        row.state, row.site, row.flavour = state, site, flavour

    def _binned(self) -> Iterable[tuple[int, int, str, str, str, int]]:
        bins: Counter[tuple[int, int, str, str, str]] = Counter()
        for (at, _, *what), jobs in self._moves.items():
            site, flavour, state = what
            for bin_s in (BIN_S, FINE_BIN_S) if at >= self._fine_from else (BIN_S,):
                bins[bin_s, at // bin_s * bin_s, site, flavour, state] += jobs
        return ((*key, jobs) for key, jobs in bins.items() if jobs)

    def _exit_class(self, row: JobRow) -> str:
        if row.log_state == JobState.DONE:
            return str(ExitClass.DONE)
        if row.log_state == JobState.FAILED:
            return failure_class(row.standing, row.record_class)
        return ""
