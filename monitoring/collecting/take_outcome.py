"""How a block's jobs ended, into the store: where the event log and the records leave a doubt, the outcome decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.running.outcome import read_outcomes
from monitoring.failures import first_line

if TYPE_CHECKING:
    from jobs.layout import BlockFolder
    from monitoring.collecting.batch import Batch

__all__ = ["outcome_version", "take_outcome"]


def outcome_version(folder: BlockFolder) -> int:
    """Return a number that differs whenever the outcome does; 0 where there is none."""
    try:
        return folder.outcome.stat().st_mtime_ns
    except OSError:
        return 0


def take_outcome(batch: Batch, number: int, folder: BlockFolder, version: int) -> None:
    """Take the outcome of a block, or that it has none any more: then the event log alone says where its jobs stand.

    Args:
        batch: takes it.
        number: of the block.
        folder: of the block.
        version: as from `outcome_version`.

    """
    source = str(folder.outcome)
    outcomes = {}
    if version:
        try:
            outcomes = {outcome.job: outcome for outcome in read_outcomes(folder.outcome)}
        except CampaignError as error:
            batch.notes.say(source, str(error), batch.now, standing=True)
    if outcomes or not version:
        batch.notes.settle(source)
    for row in batch.rows.of_block(number):
        outcome = outcomes.get(row.job)
        if outcome is not None:
            batch.rows.ended(row, outcome.state, outcome.exit_class, first_line(outcome.error), version * 1e-9)
        elif row.outcome:
            batch.rows.ended(row, "", "", row.error, 0.0)
    batch.connection.execute("UPDATE blocks SET outcome_seen = ? WHERE block = ?", (version, number))
