"""One job as the store has it, its attempts, and its row of the manifest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.manifest import read_manifest

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.manifest import ManifestJob

__all__ = ["AttemptLine", "JobNow", "attempts_of", "find_job", "planned_job"]


@dataclass(frozen=True)
class JobNow:
    """Where a job stands; docs/reference/dashboard-store.md says what each field is and where it is from."""

    job: int
    block: int
    events: int
    state: str
    since: float
    flavour: str
    site: str
    worker: str
    cluster: int
    proc: int
    starts: int
    reason: str
    hold_code: int
    began: float
    memory_mb: float
    disk_mb: float
    attempts: int
    exit_class: str
    error: str
    beat_at: float
    beat_window_s: float
    beat_bytes_sent: int
    beat_paced_s: float
    beat_inference_s: float
    attempt_events: int
    attempt_bytes_sent: int
    share_mbps: float | None


@dataclass(frozen=True)
class AttemptLine:
    """One attempt that left a record; units as in jobs.record, `ended_at` by the submit machine's clock."""

    cluster: int
    attempt: int
    exit_class: str
    started: float
    ended: float
    ended_at: float
    flavour: str
    site: str
    host: str
    cpu_model: str
    endpoint: str
    error: str
    cpu_s: float
    max_rss_mb: float
    startup_s: float
    read_s: float
    prepare_s: float
    inference_s: float
    write_s: float
    events: int
    hits: int
    hits_on_cpu: int
    bytes_sent: int
    bytes_received: int
    requests: int
    retries: int
    paced_s: float
    latency_s: float
    latency_counts: str
    output_bytes: int

    @property
    def wall_s(self) -> float:
        """Seconds from start to end; never negative, even if the worker's clock was set back."""
        return max(0.0, self.ended - self.started)


_JOB = ", ".join(field.name for field in fields(JobNow))
_ATTEMPT = ", ".join(field.name for field in fields(AttemptLine))


def find_job(connection: sqlite3.Connection, job: int) -> JobNow | None:
    """Return a job by its number in the manifest; None if the campaign has no such job."""
    row = connection.execute(f"SELECT {_JOB} FROM jobs WHERE job = ?", (job,)).fetchone()
    return JobNow(*row) if row else None


def attempts_of(connection: sqlite3.Connection, job: int) -> list[AttemptLine]:
    """Return the attempts of a job that left a record, oldest first."""
    rows = connection.execute(
        f"SELECT {_ATTEMPT} FROM attempts WHERE job = ? ORDER BY ended_at, cluster, attempt",
        (job,),
    )
    return [AttemptLine(*row) for row in rows]


def planned_job(folder: CampaignFolder, block: int, job: int) -> ManifestJob | None:
    """Return a job's row of the manifest; None where the manifest cannot be read, or has no such job."""
    try:
        version = folder.manifest.stat().st_mtime_ns
    except OSError:
        return None
    return _planned(folder.manifest, version, block, job)


@lru_cache(maxsize=256)
def _planned(manifest: Path, version: int, block: int, job: int) -> ManifestJob | None:
    try:
        return next((row for row in read_manifest(manifest).block(block) if row.job == job), None)
    except CampaignError:
        return None
