"""One transaction of the collector: what was read and up to where it was read become true together, or not at all."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.collecting.job_rows import JobRows
from monitoring.collecting.notes import Notes
from monitoring.collecting.roll_up import RollUp
from monitoring.store.open import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["Batch", "begin_batch"]


@dataclass(frozen=True)
class Batch:
    """What the modules of this folder write into.

    Attributes:
        connection: of the store.
        now: seconds since the epoch.
        rows: the table of jobs.
        sums: over time.
        notes: what is wrong.

    """

    connection: sqlite3.Connection
    now: float
    rows: JobRows
    sums: RollUp
    notes: Notes


@contextlib.contextmanager
def begin_batch(connection: sqlite3.Connection, now: float) -> Iterator[Batch]:
    """Collect into one transaction, which is committed at the end, or rolled back if something is raised."""
    with transaction(connection):
        batch = Batch(connection, now, JobRows(connection, now), RollUp(now), Notes(connection))
        yield batch
        batch.rows.flush()
        batch.sums.flush(connection)
