"""Jobs that a person holds are held in HTCondor's queue, and those that are not in it yet do not come up.

HTCondor can hold only what it has materialized. A cluster that has jobs to be held among those to come is made to
materialize nothing more: what else it had to come is dealt to a new cluster, by whoever keeps the throttle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.running.asked import reason_of
from jobs.running.clusters import note_return

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.layout import CampaignFolder
    from jobs.running.asked import Hold
    from jobs.running.queue import Queue
    from jobs.running.queued import ClusterInQueue

__all__ = ["Kept", "keep_held"]

MOST_HELD = 100
"""Held jobs fill a cluster up like idle ones (`max_idle` of 200): with more of them its rest is dealt elsewhere."""


@dataclass
class Kept:
    """What was done.

    Attributes:
        held: jobs that HTCondor was asked to hold.
        stopped: jobs to be held that will not come up.

    """

    held: set[int] = field(default_factory=set)
    stopped: set[int] = field(default_factory=set)


def keep_held(
    queue: Queue,
    campaign: CampaignFolder,
    clusters: Iterable[ClusterInQueue],
    holds: Mapping[int, Hold],
) -> Kept:
    """Make the queue agree with what people hold.

    Args:
        queue: HTCondor's.
        campaign: folder of the campaign.
        clusters: of the campaign, in the queue.
        holds: by job, why.

    Raises:
        PoolError: HTCondor does not answer or refuses.
        CampaignError: what is given back cannot be written down.

    """
    kept = Kept()
    for cluster in clusters:
        coming = holds.keys() & set(cluster.coming)
        if coming or (cluster.coming and len(holds.keys() & set(cluster.jobs)) > MOST_HELD):
            note_return(campaign.block(cluster.block), cluster.cluster)
            queue.edit(cluster.cluster, {"JobMaterializePaused": "1", "SonicGridReturned": "True"})
            kept.stopped |= coming
    ids: dict[str, list[str]] = {}
    # Only now: until then jobs may have come up.
    for job in queue.jobs(campaign, idle=True):
        if job.job in holds:
            ids.setdefault(reason_of(holds[job.job]), []).append(f"{job.cluster}.{job.proc}")
            kept.held.add(job.job)
    for reason, some in ids.items():
        queue.hold(some, reason)
    kept.stopped -= kept.held
    return kept
