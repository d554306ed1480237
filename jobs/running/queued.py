"""What HTCondor's queue holds of campaigns: clusters and jobs, read from their ClassAds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs.running.ranges import read_ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLUSTER_ATTRIBUTES", "JOB_ATTRIBUTES", "ClusterInQueue", "JobInQueue", "read_cluster", "read_job"]

CLUSTER_ATTRIBUTES = (
    "ClusterId",
    "SonicGridCampaignFolder",
    "SonicGridBlock",
    "SonicGridDigest",
    "SonicGridSites",
    "SonicGridRunsAs",
    "SonicGridJobs",
    "SonicGridReturned",
    "JobMaterializeNextRow",
    "JobMaterializeLimit",
    "JobMaterializePaused",
    "JobsPresent",
    "JobsIdle",
)
"""Asked of a cluster's ad."""

JOB_ATTRIBUTES = (
    "ProcId",
    "JobStatus",
    "SonicGridJob",
    "NumJobStarts",
    "MATCH_EXP_SonicGridSite",
    "MATCH_EXP_SonicGridCharge",
    "GlobalJobId",
    "RemoteHost",
    "User",
)
"""Asked of a job's ad."""

_IDLE = 1


@dataclass(frozen=True)
class ClusterInQueue:
    """A cluster of a campaign that HTCondor still has.

    Attributes:
        cluster, block, digest: what it is.
        folder: of its campaign.
        sites: whose slots its jobs may take.
        runs_as: flavour that all its jobs got; empty if each has its own.
        jobs: all that it was submitted with, by their numbers in the manifest, in the order of its rows.
        next_row: rows before this one were materialized.
        limit: most jobs of it that are materialized at once; 0 for no limit.
        paused: whether it materializes no more for now.
        returned: whether its rows from `next_row` on were given back, so that it never materializes them.
        present, idle: materialized jobs in the queue, and those of them that wait for a slot.
        planned_mbps: Mb/s that its campaign's jobs may grow to, by site, of those that were asked for.

    """

    cluster: int
    block: int
    digest: str
    folder: str = ""
    sites: tuple[str, ...] = ()
    runs_as: str = ""
    jobs: tuple[int, ...] = ()
    next_row: int = 0
    limit: int = 0
    paused: bool = False
    returned: bool = False
    present: int = 0
    idle: int = 0
    planned_mbps: Mapping[str, float] = field(default_factory=dict)

    @property
    def coming(self) -> tuple[int, ...]:
        """Jobs that it has yet to materialize."""
        return () if self.returned else self.jobs[self.next_row :]


@dataclass(frozen=True)
class JobInQueue:
    """A materialized job.

    Attributes:
        cluster, proc, job: its numbers; `job` is the manifest's.
        folder: of its campaign.
        idle: whether it waits for a slot; otherwise it is at work.
        starts: how often it was started.
        site: where it runs or ran last; empty before its first start.
        charge_mbps: Mb/s that it was admitted with; 0 for a job that uses no network.
        schedd: name of the schedd whose queue it is in.
        owner: its user, as slots name whose job they run.
        machine: name of the worker that it runs on; empty if it does not run.

    """

    cluster: int
    proc: int
    job: int
    folder: str = ""
    idle: bool = True
    starts: int = 0
    site: str = ""
    charge_mbps: float = 0.0
    schedd: str = ""
    owner: str = ""
    machine: str = ""


def read_cluster(ad: Any, plans: Mapping[str, str]) -> ClusterInQueue:  # noqa: ANN401  # the bindings have no types
    """Return what a cluster's ad says; `plans` names the attribute of each site's planned Mb/s."""
    return ClusterInQueue(
        cluster=int(ad["ClusterId"]),
        block=int(ad["SonicGridBlock"]),
        digest=str(ad["SonicGridDigest"]),
        folder=str(ad["SonicGridCampaignFolder"]),
        sites=tuple(filter(None, str(ad.get("SonicGridSites", "")).split(","))),
        runs_as=str(ad.get("SonicGridRunsAs", "")),
        jobs=read_ranges(str(ad.get("SonicGridJobs", ""))),
        next_row=int(ad.get("JobMaterializeNextRow", 0)),
        limit=int(ad.get("JobMaterializeLimit", 0)),
        paused=int(ad.get("JobMaterializePaused", 0)) != 0,
        returned=bool(ad.get("SonicGridReturned", False)),
        present=int(ad.get("JobsPresent", 0)),
        idle=int(ad.get("JobsIdle", 0)),
        planned_mbps={site: float(ad.get(name, 0.0)) for site, name in plans.items()},
    )


def read_job(ad: Any) -> JobInQueue:  # noqa: ANN401  # the bindings have no types
    """Return what a job's ad says."""
    return JobInQueue(
        cluster=int(ad["ClusterId"]),
        proc=int(ad["ProcId"]),
        job=int(ad["SonicGridJob"]),
        folder=str(ad["SonicGridCampaignFolder"]),
        idle=int(ad["JobStatus"]) == _IDLE,
        starts=int(ad.get("NumJobStarts", 0)),
        site=str(ad.get("MATCH_EXP_SonicGridSite", "")),
        charge_mbps=float(ad.get("MATCH_EXP_SonicGridCharge", 0.0) or 0.0),
        schedd=str(ad.get("GlobalJobId", "")).partition("#")[0],
        owner=str(ad.get("User", "")),
        machine=str(ad.get("RemoteHost", "")).rpartition("@")[2],
    )
