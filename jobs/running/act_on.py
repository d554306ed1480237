"""Retry, hold and release jobs: first on the record, then in the queue, so that no kill leaves half of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.running.asked import note_hold, note_release, note_retry, read_asked
from jobs.running.keep_held import Kept, keep_held
from jobs.running.lock import find_driver
from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.layout import CampaignFolder
    from jobs.running.asked import Hold
    from jobs.running.job_now import JobNow
    from jobs.running.queue import Queue

__all__ = ["HOLDABLE", "RELEASABLE", "RETRYABLE", "Released", "Retried", "hold_jobs", "release_jobs", "retry_jobs"]

RETRYABLE = (JobState.FAILED,)
HOLDABLE = (JobState.RUNNING, JobState.IDLE, JobState.PENDING, JobState.HELD)
RELEASABLE = (JobState.HELD,)
"""States in which a job can be retried, held, released."""


@dataclass(frozen=True)
class Retried:
    """What became of a request to retry.

    Attributes:
        now: jobs that a driver at work hands to HTCondor again within seconds.
        later: jobs of blocks that are through: the driver at work takes them up when its round has ended.
        waiting: jobs that nobody is at work for: `sonicgrid submit` takes them up.

    """

    now: int = 0
    later: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Released:
    """What became of a request to release.

    Attributes:
        in_queue: jobs that HTCondor released.
        to_come: jobs that were not in the queue; who keeps the throttle deals them.

    """

    in_queue: int
    to_come: int


def retry_jobs(folder: CampaignFolder, jobs: Sequence[JobNow], why: str = "") -> Retried:
    """Ask for failed jobs to be run again.

    Raises:
        CampaignError: it cannot be written down.

    """
    for block, some in _by_block(jobs).items():
        note_retry(folder.block(block), {job.job: (job.cluster, job.records) for job in some}, why)
    # Asked afterwards: a driver that ended just now has not seen it.
    if find_driver(folder) is None:
        return Retried(waiting=len(jobs))
    later = sum(folder.block(job.block).outcome.exists() for job in jobs)
    return Retried(now=len(jobs) - later, later=later)


def hold_jobs(folder: CampaignFolder, queue: Queue, jobs: Sequence[JobNow], why: str = "") -> Kept:
    """Hold jobs until a person releases them, whether they are in the queue or still to come.

    Raises:
        CampaignError: it cannot be written down.
        PoolError: HTCondor does not answer or refuses; whoever keeps the throttle holds them as soon as it does.

    """
    holds: dict[int, Hold] = {}
    for block, some in _by_block(jobs).items():
        numbers = [job.job for job in some]
        note_hold(folder.block(block), numbers, why)
        asked = read_asked(folder.block(block)).holds
        holds |= {number: asked[number] for number in numbers if number in asked}
    return keep_held(queue, folder, queue.clusters(folder), holds)


def release_jobs(folder: CampaignFolder, queue: Queue, jobs: Sequence[JobNow]) -> Released:
    """Release held jobs, whoever held them.

    Raises:
        CampaignError: it cannot be written down.
        PoolError: HTCondor does not answer or refuses.

    """
    for block, some in _by_block(jobs).items():
        note_release(folder.block(block), [job.job for job in some])
    held = queue.held_jobs(folder)
    ids = [held[job.job] for job in jobs if job.job in held]
    queue.release(ids, "sonicgrid release")
    return Released(len(ids), len(jobs) - len(ids))


def _by_block(jobs: Sequence[JobNow]) -> dict[int, list[JobNow]]:
    found: dict[int, list[JobNow]] = defaultdict(list)
    for job in jobs:
        found[job.block].append(job)
    return found
