"""What is fine enough for a day is thinned out when it is older, so that a store of a long campaign stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.collecting.take_metrics import thin_samples
from monitoring.store.schema import FINE_BIN_S, KEEP_FINE_S

if TYPE_CHECKING:
    from monitoring.collecting.batch import Batch

__all__ = ["thin_out"]

_MOST_NOTES = 1000


def thin_out(batch: Batch) -> None:
    """Delete fine bins that are older than a day, samples beyond one a minute, and notes that nobody can read all."""
    for table in ("rollups", "changes"):
        batch.connection.execute(
            f"DELETE FROM {table} WHERE bin_s = ? AND at < ?",
            (FINE_BIN_S, batch.now - KEEP_FINE_S),
        )
    thin_samples(batch)
    batch.connection.execute(
        "DELETE FROM notes WHERE (source, text) IN "
        "(SELECT source, text FROM notes ORDER BY standing DESC, last_at DESC LIMIT -1 OFFSET ?)",
        (_MOST_NOTES,),
    )
