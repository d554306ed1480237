"""Makes an ended campaign go on where it fell short: blocks with work left lose their outcome and are watched again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.manifest import read_manifest
from jobs.results.validate import read_validation
from jobs.running.asked import read_asked
from jobs.running.outcome import read_outcomes
from jobs.running.submit import jobs_to_run
from jobs.states import JobState

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["reopen", "reopen_asked"]


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
        _forget_verdict(folder)
    return reopened


def reopen_asked(folder: CampaignFolder, answered: set[tuple[int, float]]) -> int:
    """Reopen every block that was through when a person asked to run some of its failed jobs again.

    Unlike `reopen` it begins no round: of what failed, only what was asked for runs again.

    Args:
        folder: of the campaign.
        answered: requests, by job and time, that reopened a block before and do not again; those of now are added.

    Returns:
        The number of blocks that were reopened.

    Raises:
        CampaignError: the manifest or an outcome cannot be read.

    """
    if not folder.manifest.exists():
        return 0
    reopened = 0
    for number in range(read_manifest(folder.manifest).n_blocks):
        block = folder.block(number)
        retries = read_asked(block).retries
        if not retries or not block.outcome.exists():
            continue
        failed = {row.job: row.cluster for row in read_outcomes(block.outcome) if row.state == JobState.FAILED}
        asked = {(job, one.at) for job, one in retries.items() if failed.get(job) == one.cluster} - answered
        if asked:
            answered |= asked
            block.outcome.unlink()
            reopened += 1
    if reopened:
        _forget_verdict(folder)
    return reopened


def _forget_verdict(folder: CampaignFolder) -> None:
    for path in (folder.validation, folder.missing, folder.complete):
        path.unlink(missing_ok=True)


def _fell_short(folder: CampaignFolder) -> bool:
    try:
        return not read_validation(folder).complete
    except CampaignError:
        return False
