"""The one door to HTCondor's queue: every call that campaigns make, with HTCondor's errors mapped."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import htcondor2

from jobs.attributes import planned_attribute
from jobs.errors import PoolError
from jobs.pool.client import enter_pool
from jobs.running.queued import CLUSTER_ATTRIBUTES, JOB_ATTRIBUTES, read_cluster, read_job
from jobs.running.quote import quote_classad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobs.layout import CampaignFolder
    from jobs.running.queued import ClusterInQueue, JobInQueue

__all__ = ["GIVEN_BACK", "Queue", "open_queue"]

GIVEN_BACK = "given back by SonicGrid, to run elsewhere"
"""Reason with which idle jobs are removed that another site is to take; such a job has not failed."""

_IDLE, _RUNNING, _HELD, _TRANSFERRING = 1, 2, 5, 6
_AT_WORK = f"(JobStatus == {_RUNNING} || JobStatus == {_TRANSFERRING})"
_VANILLA = 5

_EDIT_TIMEOUT_S = 60.0

_MOST_IDS = 2000
"""Jobs that one call names."""


class Queue:
    """The job queue of the schedd that campaigns are submitted to.

    A schedd that was started again has another address: after every failure it is looked up anew.

    Args:
        find: looks the schedd up; raises PoolError where there is none.

    """

    def __init__(self, find: Callable[[], htcondor2.Schedd]) -> None:
        self._find = find
        self._found: htcondor2.Schedd | None = None

    @property
    def _schedd(self) -> htcondor2.Schedd:
        if self._found is None:
            self._found = self._find()
        return self._found

    def find(self) -> None:
        """Look the schedd up now.

        Raises:
            PoolError: there is none.

        """
        self._found = self._find()

    def submit(self, description: str) -> int:
        """Submit one cluster and return its number.

        Raises:
            PoolError: the schedd does not answer or refuses the description.

        """
        try:
            result = self._schedd.submit(htcondor2.Submit(description))
        except (htcondor2.HTCondorException, ValueError) as error:
            self._found = None
            message = f"HTCondor refused the cluster: {error}"
            raise PoolError(message) from error
        return int(result.cluster())

    def clusters(self, folder: CampaignFolder | None = None, planned_at: Iterable[str] = ()) -> list[ClusterInQueue]:
        """Return the clusters that are still in the queue, of a campaign or of all, oldest first.

        Args:
            folder: of the campaign; None for all.
            planned_at: sites for which to tell what is planned.

        Raises:
            PoolError: the schedd does not answer.

        """
        plans = {site: planned_attribute(site) for site in planned_at}
        ads = self._query(f"{_of_campaign(folder)} && ProcId is undefined", [*CLUSTER_ATTRIBUTES, *plans.values()])
        found = [read_cluster(ad, plans) for ad in ads if "SonicGridBlock" in ad and "ProcId" not in ad]
        return sorted(found, key=lambda cluster: cluster.cluster)

    def jobs(self, folder: CampaignFolder | None = None, *, idle: bool) -> list[JobInQueue]:
        """Return the jobs that are at work, of a campaign or of all.

        Args:
            folder: of the campaign; None for all.
            idle: whether to return those that wait, too.

        Raises:
            PoolError: the schedd does not answer.

        """
        states = f"({_AT_WORK} || JobStatus == {_IDLE})" if idle else _AT_WORK
        wanted = ("ClusterId", "SonicGridCampaignFolder", *JOB_ATTRIBUTES)
        ads = self._query(f"{_of_campaign(folder)} && SonicGridJob isnt undefined && {states}", wanted)
        return [read_job(ad) for ad in ads if "ProcId" in ad]

    def at_work(self, folder: CampaignFolder) -> tuple[list[ClusterInQueue], list[JobInQueue]]:
        """Return the clusters of a campaign and its jobs that are at work, by one query.

        Raises:
            PoolError: the schedd does not answer.

        """
        which = f"(ProcId is undefined || SonicGridJob isnt undefined && {_AT_WORK})"
        ads = self._query(f"{_of_campaign(folder)} && {which}", (*CLUSTER_ATTRIBUTES, *JOB_ATTRIBUTES))
        clusters = [read_cluster(ad, {}) for ad in ads if "SonicGridBlock" in ad and "ProcId" not in ad]
        jobs = [read_job(ad) for ad in ads if "ProcId" in ad]
        return sorted(clusters, key=lambda cluster: cluster.cluster), jobs

    def present_jobs(self, clusters: Iterable[int]) -> set[int]:
        """Return the jobs of some clusters that are materialized and in the queue, whatever their state.

        Raises:
            PoolError: the schedd does not answer.

        """
        listed = ", ".join(map(str, clusters))
        ads = self._query(f"member(ClusterId, {{{listed}}}) && ProcId isnt undefined", ("ProcId", "SonicGridJob"))
        return {int(ad["SonicGridJob"]) for ad in ads if "ProcId" in ad}

    def edit(self, cluster: int, values: Mapping[str, str]) -> None:
        """Change attributes of a cluster: of the jobs that wait, and of those that will be materialized.

        The bindings do not reach the cluster's own ad, HTCondor's command does.

        Args:
            cluster: its number.
            values: ClassAd expressions by attribute.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        program = shutil.which("condor_qedit")
        if program is None:
            message = "HTCondor's command condor_qedit is not on PATH; the limits of running campaigns need it"
            raise PoolError(message)
        command = [program, str(cluster), *(word for pair in values.items() for word in pair)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_EDIT_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"HTCondor does not change cluster {cluster}: {error}"
            raise PoolError(message) from error
        if done.returncode != 0 and any(found.cluster == cluster for found in self.clusters()):
            message = f"HTCondor does not change cluster {cluster}: {(done.stderr or done.stdout).strip()}"
            raise PoolError(message)

    def edit_job(self, job: str, values: Mapping[str, str]) -> None:
        """Change attributes of one job.

        Args:
            job: as HTCondor writes it, `CLUSTER.PROC`.
            values: ClassAd expressions by attribute.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        try:
            for name, value in values.items():
                self._schedd.edit(job, name, value)
        except htcondor2.HTCondorException as error:
            self._found = None
            message = f"HTCondor does not change job {job}: {error}"
            raise PoolError(message) from error

    def give_back(self, cluster: int, most: int) -> int:
        """Take idle jobs of a cluster out of the queue, the newest first, to run elsewhere; returns how many.

        A job that gets its slot meanwhile stays: HTCondor looks at its state when it removes.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        waiting = f"ClusterId == {cluster} && JobStatus == {_IDLE}"
        procs = sorted(int(ad["ProcId"]) for ad in self._query(f"{waiting} && ProcId isnt undefined", ("ProcId",)))
        if not procs[-most:] or most <= 0:
            return 0
        self._act(htcondor2.JobAction.Remove, f"{waiting} && ProcId >= {procs[-most:][0]}", GIVEN_BACK)
        return len(procs[-most:])

    def drop(self, cluster: int) -> None:
        """Take a cluster out of the queue that has nothing left to do here.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        self._act(htcondor2.JobAction.Remove, f"ClusterId == {cluster}", GIVEN_BACK)

    def remove(self, folder: CampaignFolder, reason: str) -> int:
        """Remove everything of a campaign, its detached driver included; returns how many clusters of jobs that were.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        clusters = self.clusters(folder)
        self._act(htcondor2.JobAction.Remove, _folder_is(folder), reason)
        return len(clusters)

    def hold(self, ids: Sequence[str], reason: str) -> None:
        """Hold jobs until a person releases them; those that have left the queue meanwhile are passed over.

        Args:
            ids: as HTCondor writes them, `CLUSTER.PROC`.
            reason: for people.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        self._act_on(htcondor2.JobAction.Hold, ids, reason)

    def release(self, ids: Sequence[str], reason: str) -> None:
        """Release held jobs, whoever held them; those that are held no longer are passed over.

        Args:
            ids: as HTCondor writes them, `CLUSTER.PROC`.
            reason: for people.

        Raises:
            PoolError: the schedd does not answer or refuses.

        """
        self._act_on(htcondor2.JobAction.Release, ids, reason)

    def held_jobs(self, folder: CampaignFolder) -> dict[int, str]:
        """Return the id in the queue, `CLUSTER.PROC`, of every held job of a campaign, by its number.

        Raises:
            PoolError: the schedd does not answer.

        """
        held = f"{_of_campaign(folder)} && SonicGridJob isnt undefined && JobStatus == {_HELD}"
        ads = self._query(held, ("ClusterId", "ProcId", "SonicGridJob"))
        return {int(ad["SonicGridJob"]): f"{ad['ClusterId']}.{ad['ProcId']}" for ad in ads if "ProcId" in ad}

    def _act_on(self, action: htcondor2.JobAction, ids: Sequence[str], reason: str) -> None:
        for start in range(0, len(ids), _MOST_IDS):
            self._act(action, list(ids[start : start + _MOST_IDS]), reason)

    def _act(self, action: htcondor2.JobAction, which: str | list[str], reason: str) -> None:
        try:
            # The bindings take no notice of a reason that is not given with a code.
            self._schedd.act(action, which, reason=(reason, 0))
        except htcondor2.HTCondorException as error:
            self._found = None
            message = f"HTCondor did not {action.name.lower()} jobs: {error}"
            raise PoolError(message) from error

    def _query(self, constraint: str, attributes: Iterable[str]) -> list[Any]:
        try:
            return self._ask(constraint, attributes)
        except htcondor2.HTCondorException:
            # To ask again changes nothing in the queue.
            self._found = None
        try:
            return self._ask(constraint, attributes)
        except htcondor2.HTCondorException as error:
            self._found = None
            message = f"HTCondor's schedd does not answer: {error}"
            raise PoolError(message) from error

    def _ask(self, constraint: str, attributes: Iterable[str]) -> list[Any]:
        return list(self._schedd.query(constraint, list(attributes), opts=htcondor2.QueryOpt.IncludeClusterAd))


def open_queue(*, now: bool = True) -> Queue:
    """Find the pool (the embedded one, or the site's own) and its schedd.

    Args:
        now: whether the schedd must be there at once; otherwise it is looked up when it is first asked.

    Raises:
        PoolError: there is none, or it does not answer.

    """
    queue = Queue(_find_schedd)
    if now:
        queue.find()
    return queue


def _find_schedd() -> htcondor2.Schedd:
    enter_pool()
    try:
        return htcondor2.Schedd()
    except htcondor2.HTCondorException as error:
        message = f"no HTCondor schedd answers ({error}); start the embedded pool with `sonicgrid pool up`"
        raise PoolError(message) from error


def _folder_is(folder: CampaignFolder) -> str:
    return f"SonicGridCampaignFolder == {quote_classad(str(folder.root))}"


def _of_campaign(folder: CampaignFolder | None) -> str:
    whose = "SonicGridCampaignFolder isnt undefined" if folder is None else _folder_is(folder)
    return f"JobUniverse == {_VANILLA} && {whose}"
