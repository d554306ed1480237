"""Makes an ended campaign go on where it fell short: blocks with work left lose their outcome and are watched again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.manifest import read_manifest
from jobs.results.validate import read_validation
from jobs.running.submit import jobs_to_run

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["reopen"]


def reopen(folder: CampaignFolder) -> int:
    """Begin a round: reopen every block whose outcome is there although some of its jobs should run again.

    Jobs that failed in a way that a retry cannot mend stay failed; a job whose output has gone runs again.

    Returns:
        The number of blocks that were reopened.

    Raises:
        CampaignError: the manifest or a record cannot be read.

    """
    if not folder.manifest.exists():
        return 0
    folder.round.touch()
    manifest = read_manifest(folder.manifest)
    reopened = 0
    for number in range(manifest.n_blocks):
        block = folder.block(number)
        if block.outcome.exists() and jobs_to_run(block, manifest.block(number), manifest.digest):
            block.outcome.unlink()
            reopened += 1
    if reopened or _fell_short(folder):
        # What a person, or a server that is back, has mended is judged anew, also where no job has to run.
        for path in (folder.validation, folder.complete):
            path.unlink(missing_ok=True)
    return reopened


def _fell_short(folder: CampaignFolder) -> bool:
    try:
        return not read_validation(folder).complete
    except CampaignError:
        return False
