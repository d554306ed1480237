"""What HTCondor's queue says beside the event logs, into the store: where jobs run, and what clusters hold back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.running.queued import ClusterInQueue, JobInQueue
    from monitoring.collecting.batch import Batch

__all__ = ["take_queue"]


def take_queue(batch: Batch, clusters: Sequence[ClusterInQueue], jobs: Sequence[JobInQueue]) -> None:
    """Take one look at the queue.

    Args:
        batch: takes it.
        clusters: of the campaign.
        jobs: of the campaign that are at work.

    """
    for job in jobs:
        row = batch.rows.by_number(job.job)
        if (
            row is not None
            and (row.cluster, row.proc) == (job.cluster, job.proc)
            and row.state == JobState.RUNNING
            and job.site
        ):
            batch.rows.place(row, job.site, row.flavour)
    text = json.dumps({"clusters": [_plain(cluster) for cluster in clusters], "jobs_at_work": len(jobs)})
    batch.connection.execute("INSERT OR REPLACE INTO latest VALUES ('queue', ?, ?)", (batch.now, text))


def _plain(cluster: ClusterInQueue) -> dict[str, Any]:
    return {
        "cluster": cluster.cluster,
        "block": cluster.block,
        "sites": list(cluster.sites),
        "runs_as": cluster.runs_as,
        "idle": cluster.idle,
        "present": cluster.present,
        "coming": len(cluster.coming),
        "most": cluster.limit,
        "paused": cluster.paused,
    }
