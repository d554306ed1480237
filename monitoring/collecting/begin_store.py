"""A store's first content: every job of the manifest, pending, so that counts add up to the campaign from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.store.open import transaction
from monitoring.store.schema import JOB_COLUMNS

if TYPE_CHECKING:
    import sqlite3

    from jobs.manifest import Manifest

__all__ = ["begin_store", "facts_of"]

_DEFAULTS = {
    "state": str(JobState.PENDING),
    "site": "",
    "worker": "",
    "since": 0.0,
    "log_state": str(JobState.PENDING),
    "cluster": -1,
    "proc": -1,
    "starts": 0,
    "exit_code": -1,
    "host": "",
    "log_since": 0.0,
    "reason": "",
    "hold_code": 0,
    "hold_subcode": 0,
    "began": 0.0,
    "memory_mb": -1.0,
    "disk_mb": -1.0,
    "outcome": "",
    "outcome_at": 0.0,
    "attempts": 0,
    "record_class": "",
    "record_started": 0.0,
    "exit_class": "",
    "error": "",
    "beat_at": 0.0,
    "beat_attempt": -1,
    "beat_window_s": 0.0,
    "beat_bytes_sent": 0,
    "beat_paced_s": 0.0,
    "beat_inference_s": 0.0,
    "attempt_events": 0,
    "attempt_bytes_sent": 0,
    "share_mbps": None,
}
_OF_MANIFEST = ("job", "block", "events", "flavour")
assert {*_DEFAULTS, *_OF_MANIFEST} == set(JOB_COLUMNS)  # noqa: S101 - two lists of the same columns


def facts_of(manifest: Manifest, folder: str) -> dict[str, str]:
    """Return what makes a store that of a campaign."""
    return {"campaign": manifest.campaign, "folder": folder, "manifest digest": manifest.digest}


def begin_store(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Fill an empty store, in one transaction; one that has its jobs already is left alone."""
    with transaction(connection):
        if connection.execute("SELECT EXISTS (SELECT 1 FROM blocks)").fetchone()[0]:
            return
        names = (*_OF_MANIFEST, *_DEFAULTS)
        rest = tuple(_DEFAULTS.values())
        connection.executemany(
            f"INSERT INTO jobs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            ((job.job, job.block, job.events, job.flavour, *rest) for job in manifest.jobs()),
        )
        connection.execute(
            "INSERT INTO blocks (block, jobs, events) SELECT block, count(*), sum(events) FROM jobs GROUP BY block"
        )
