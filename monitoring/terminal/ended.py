"""Whether a campaign has ended, and how: what `sonicgrid status --watch` waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.results.validate import read_validation
from jobs.running.lock import find_driver, last_status

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["exit_status_of"]


def exit_status_of(folder: CampaignFolder) -> int | None:
    """Return 0 for a campaign that is complete, 1 for one that got to its end otherwise; None while it has not ended.

    A campaign whose driver was stopped has not ended: its jobs are in the queue, and `sonicgrid submit` goes on.

    Raises:
        CampaignError: the verdict cannot be read.

    """
    if find_driver(folder) is not None:
        return None
    status = last_status(folder)
    complete = folder.validation.exists() and read_validation(folder).complete
    if status is None:
        return 0 if complete else None
    return 0 if complete and status == 0 else 1
