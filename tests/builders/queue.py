"""A queue that takes clusters, for what the real schedd cannot be made to do at a given moment.

It materializes jobs as a schedd does, at once and up to a cluster's limit; a test starts and ends them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import classad2
import htcondor2

from jobs.attributes import attribute_of, planned_attribute, share_attribute
from jobs.errors import PoolError
from jobs.running.queue import Queue
from jobs.running.queued import ClusterInQueue, JobInQueue
from jobs.running.ranges import read_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobs.layout import CampaignFolder

__all__ = ["FakeQueue"]


@dataclass
class _Cluster:
    jobs: tuple[int, ...]
    ad: dict[str, str]
    made: int = 0

    def text(self, name: str) -> str:
        return self.ad.get(name, '""').strip('"')

    @property
    def limit(self) -> int:
        return int(self.ad.get("JobMaterializeLimit", 0))

    @property
    def stopped(self) -> bool:
        return self.ad.get("JobMaterializePaused", "0") != "0"

    @property
    def returned(self) -> bool:
        return self.ad.get("SonicGridReturned", "False") == "True"


class FakeQueue(Queue):
    """Remembers what was submitted and edited.

    Attributes:
        descriptions: submit descriptions, by cluster.
        calls: what was done, in its order: `submit 1`, `edit 1 NAME`, `give back 1`, `drop 1`; others may add theirs.
        present: materialized jobs, by cluster and proc.
        away: whether the schedd does not answer.
        held: ids of jobs that are held, with the reason.

    """

    def __init__(self, calls: list[str] | None = None) -> None:
        self.descriptions: dict[int, str] = {}
        self.calls = [] if calls is None else calls
        self.present: dict[tuple[int, int], JobInQueue] = {}
        self.away = False
        self.held: dict[str, str] = {}
        self._clusters: dict[int, _Cluster] = {}

    def submit(self, description: str) -> int:
        """Take a cluster."""
        self._answer()
        parsed = htcondor2.Submit(description)
        cluster = len(self.descriptions) + 1
        self.calls.append(f"submit {cluster}")
        self.descriptions[cluster] = description
        ad = {key.removeprefix("My."): str(parsed[key]) for key in parsed if key.startswith("My.")}
        ad["JobMaterializeLimit"] = parsed.get("max_materialize", "0")
        self._clusters[cluster] = _Cluster(read_ranges(ad["SonicGridJobs"].strip('"')), ad)
        self._materialize()
        return cluster

    def clusters(self, folder: CampaignFolder | None = None, planned_at: Iterable[str] = ()) -> list[ClusterInQueue]:
        """Return what is in the queue."""
        self._answer()
        sites = list(planned_at)
        found = [self._describe(number, one, sites) for number, one in self._clusters.items()]
        return [one for one in found if folder is None or one.folder == str(folder.root)]

    def jobs(self, folder: CampaignFolder | None = None, *, idle: bool) -> list[JobInQueue]:
        """Return the materialized jobs."""
        self._answer()
        return [
            job
            for job in self.present.values()
            if f"{job.cluster}.{job.proc}" not in self.held
            and (idle or not job.idle)
            and (folder is None or job.folder == str(folder.root))
        ]

    def at_work(self, folder: CampaignFolder) -> tuple[list[ClusterInQueue], list[JobInQueue]]:
        """Return the clusters of a campaign and its jobs that run."""
        return self.clusters(folder), self.jobs(folder, idle=False)

    def present_jobs(self, clusters: Iterable[int]) -> set[int]:
        """Return the jobs of some clusters that are materialized."""
        self._answer()
        wanted = set(clusters)
        return {job.job for job in self.present.values() if job.cluster in wanted}

    def edit(self, cluster: int, values: Mapping[str, str]) -> None:
        """Change a cluster."""
        self._answer()
        assert values.get("JobMaterializeLimit") != "0", "HTCondor reads a limit of 0 as none"
        for value in values.values():
            classad2.ExprTree(value)
        self.calls += [f"edit {cluster} {name}" for name in values]
        self._clusters[cluster].ad |= dict(values)
        self._materialize()

    def edit_job(self, job: str, values: Mapping[str, str]) -> None:
        """Change one job."""
        self._answer()
        self.calls += [f"edit {job} {name} {value}" for name, value in values.items()]

    def ad_of(self, cluster: int) -> dict[str, str]:
        """Return what was said to a cluster since it was submitted, and when it was."""
        return self._clusters[cluster].ad

    def give_back(self, cluster: int, most: int) -> int:
        """Take idle jobs out, the newest first."""
        self._answer()
        self.calls.append(f"give back {cluster}")
        waiting = sorted(key for key, job in self.present.items() if key[0] == cluster and job.idle)
        for key in waiting[-most:] if most > 0 else []:
            del self.present[key]
        return min(most, len(waiting))

    def drop(self, cluster: int) -> None:
        """Take a cluster out that has nothing left to do."""
        self._answer()
        assert not any(key[0] == cluster for key in self.present), "a cluster is dropped that has jobs"
        self.calls.append(f"drop {cluster}")
        self.lose(cluster)

    def hold(self, ids: Sequence[str], reason: str) -> None:
        """Hold jobs; those that run stop."""
        self._answer()
        for key, job in self.present.items():
            if f"{job.cluster}.{job.proc}" in ids:
                self.present[key] = replace(job, idle=True)
                self.held[f"{job.cluster}.{job.proc}"] = reason
                self.calls.append(f"hold {job.cluster}.{job.proc}")

    def release(self, ids: Sequence[str], reason: str) -> None:
        """Release jobs."""
        del reason
        self._answer()
        for one in ids:
            del self.held[one]
            self.calls.append(f"release {one}")

    def held_jobs(self, folder: CampaignFolder) -> dict[int, str]:
        """Return the held jobs."""
        self._answer()
        ids = {job.job: f"{job.cluster}.{job.proc}" for job in self.present.values() if job.folder == str(folder.root)}
        return {job: one for job, one in ids.items() if one in self.held}

    def lose(self, cluster: int) -> None:
        """Forget a cluster and its jobs, as a schedd that lost its disk."""
        del self._clusters[cluster]
        self.present = {key: job for key, job in self.present.items() if key[0] != cluster}

    def items(self, cluster: int) -> list[int]:
        """Return the jobs that a cluster was submitted with."""
        listed = self.descriptions[cluster].split("queue job,flavour from (\n")[1].rstrip(")\n")
        return [int(line.split(",")[0]) for line in listed.splitlines()]

    def start(self, site: str, most: int = 1_000_000, *, charge_mbps: float | None = None) -> list[int]:
        """Start waiting jobs that may run at a site, the oldest first; returns their numbers.

        Args:
            site: where slots are free.
            most: how many.
            charge_mbps: what each is charged; by default what its cluster says.

        """
        started: list[int] = []
        for key, job in sorted(self.present.items()):
            one = self._clusters[job.cluster]
            free = f"{job.cluster}.{job.proc}" not in self.held
            if free and len(started) < most and job.idle and site in one.text("SonicGridSites").split(","):
                charge = (
                    float(one.text(f"SonicGridCharge_{attribute_of(site)}")) if charge_mbps is None else charge_mbps
                )
                if one.text("SonicGridRunsAs") == "cpu":
                    charge = 0.0
                self.present[key] = replace(job, idle=False, site=site, charge_mbps=charge, starts=job.starts + 1)
                started.append(job.job)
        return started

    def end(self, jobs: Iterable[int]) -> None:
        """End running jobs, whatever became of them."""
        ended = set(jobs)
        self.present = {key: job for key, job in self.present.items() if job.idle or job.job not in ended}
        self._materialize()
        for number, one in list(self._clusters.items()):
            if not one.returned and one.made == len(one.jobs) and not any(key[0] == number for key in self.present):
                del self._clusters[number]

    def running(self, site: str) -> list[int]:
        """Return the jobs that run at a site."""
        return [job.job for job in self.present.values() if not job.idle and job.site == site]

    def share_mbps(self, cluster: int, site: str) -> float:
        """Return what a job of a cluster may send at a site."""
        return float(self._clusters[cluster].ad[share_attribute(site)])

    def _answer(self) -> None:
        if self.away:
            message = "no schedd answers"
            raise PoolError(message)

    def _materialize(self) -> None:
        for number, one in self._clusters.items():
            while not (one.stopped or one.returned) and one.made < len(one.jobs):
                if one.limit and sum(key[0] == number for key in self.present) >= one.limit:
                    break
                folder = one.text("SonicGridCampaignFolder")
                job = JobInQueue(number, one.made, one.jobs[one.made], folder, schedd="schedd@here")
                self.present[number, one.made] = job
                one.made += 1

    def _describe(self, number: int, one: _Cluster, sites: Iterable[str]) -> ClusterInQueue:
        here = [job for key, job in self.present.items() if key[0] == number]
        return ClusterInQueue(
            cluster=number,
            block=int(one.ad["SonicGridBlock"]),
            digest=one.text("SonicGridDigest"),
            folder=one.text("SonicGridCampaignFolder"),
            sites=tuple(re.findall(r"[^,]+", one.text("SonicGridSites"))),
            runs_as=one.text("SonicGridRunsAs"),
            jobs=one.jobs,
            next_row=one.made,
            limit=one.limit,
            paused=one.stopped,
            returned=one.returned,
            present=len(here),
            idle=sum(job.idle for job in here),
            planned_mbps={site: float(one.ad.get(planned_attribute(site), 0.0)) for site in sites},
        )
