"""The one door to HTCondor's queue: every call that campaigns make, with HTCondor's errors mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import PoolError
from jobs.pool.client import enter_pool
from jobs.running.describe import quote_classad

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["ClusterInQueue", "Queue", "open_queue"]


@dataclass(frozen=True)
class ClusterInQueue:
    """A cluster of a campaign that HTCondor still has."""

    cluster: int
    block: int
    digest: str


class Queue:
    """The job queue of the schedd that campaigns are submitted to."""

    def __init__(self, schedd: htcondor2.Schedd) -> None:
        self._schedd = schedd

    def submit(self, description: str) -> int:
        """Submit one cluster and return its number.

        Raises:
            PoolError: the schedd does not answer or refuses the description.

        """
        try:
            result = self._schedd.submit(htcondor2.Submit(description))
        except (htcondor2.HTCondorException, ValueError) as error:
            message = f"HTCondor refused the cluster: {error}"
            raise PoolError(message) from error
        return int(result.cluster())

    def clusters(self, folder: CampaignFolder) -> list[ClusterInQueue]:
        """Return the clusters of a campaign that are still in the queue, oldest first.

        Raises:
            PoolError: the schedd does not answer.

        """
        constraint = f"JobUniverse == 5 && {_of_campaign(folder)}"
        projection = ["ClusterId", "SonicGridBlock", "SonicGridDigest"]
        try:
            ads = self._schedd.query(constraint, projection, opts=htcondor2.QueryOpt.IncludeClusterAd)
        except htcondor2.HTCondorException as error:
            message = f"HTCondor's schedd does not answer: {error}"
            raise PoolError(message) from error
        found = {
            int(ad["ClusterId"]): ClusterInQueue(
                int(ad["ClusterId"]), int(ad["SonicGridBlock"]), str(ad["SonicGridDigest"])
            )
            for ad in ads
            if "SonicGridBlock" in ad
        }
        return [found[cluster] for cluster in sorted(found)]

    def remove(self, folder: CampaignFolder, reason: str) -> int:
        """Remove everything of a campaign, its detached driver included; returns how many clusters of jobs that were.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        clusters = self.clusters(folder)
        try:
            self._schedd.act(htcondor2.JobAction.Remove, _of_campaign(folder), reason=reason)
        except htcondor2.HTCondorException as error:
            message = f"HTCondor did not remove the campaign's jobs: {error}"
            raise PoolError(message) from error
        return len(clusters)


def open_queue() -> Queue:
    """Find the pool (the embedded one, or the site's own) and its schedd.

    Raises:
        PoolError: there is none, or it does not answer.

    """
    enter_pool()
    try:
        return Queue(htcondor2.Schedd())
    except htcondor2.HTCondorException as error:
        message = f"no HTCondor schedd answers ({error}); start the embedded pool with `sonicgrid pool up`"
        raise PoolError(message) from error


def _of_campaign(folder: CampaignFolder) -> str:
    return f"SonicGridCampaignFolder == {quote_classad(str(folder.root))}"
