"""Finds the hosts and sites of a campaign that fail everything, keeps its jobs off them, and tries them again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jobs.exits import EXITS, ExitClass
from jobs.running.kept_off import ANY_OTHER, TRIAL_ATTRIBUTE, KeptOff
from jobs.running.quote import quote_classad
from jobs.throttle.aside import Ledger, blames_the_worker
from jobs.throttle.readmit import Readmissions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobs.layout import CampaignFolder
    from jobs.record import Record
    from jobs.running.queue import Queue
    from jobs.running.queued import ClusterInQueue, JobInQueue
    from jobs.running.standing import EndedAttempt
    from jobs.spec.site import Site
    from jobs.throttle.aside import Aside
    from jobs.throttle.groups import Kind
    from jobs.throttle.negotiator import Negotiator
    from jobs.throttle.observe import Observer
    from jobs.throttle.write_decisions import DecisionLog

__all__ = ["Guard"]

COUNT_EVERY_S = 300.0
"""Time between two counts of the pool's hosts."""

AT_WORK_S = 60.0
"""An attempt that runs for so long shows that its host works: what a worker lacks shows within seconds."""


class Guard:
    """Keeps one campaign's jobs off what fails everything.

    Args:
        folder: of the campaign.
        queue, negotiator: HTCondor's.
        admission: who admits jobs, by site.
        asides: known from before.
        log: takes what is decided.

    """

    def __init__(
        self,
        folder: CampaignFolder,
        queue: Queue,
        negotiator: Negotiator,
        admission: Mapping[str, Kind],
        asides: Iterable[Aside],
        log: DecisionLog,
    ) -> None:
        self._folder = folder
        self._queue = queue
        self._negotiator = negotiator
        self._hosts = 0
        self._count_at = 0.0
        self._admission = admission
        self._ledger = Ledger(asides)
        self._log = log
        self._readmissions = Readmissions(folder)
        self._site_of: dict[str, str] = {}
        self._began: dict[tuple[int, int, int], float] = {}

    @property
    def asides(self) -> tuple[Aside, ...]:
        """What is set aside."""
        return tuple(self._ledger.asides.values())

    def look(
        self,
        sites: Mapping[str, Site],
        observer: Observer,
        at_work: Sequence[JobInQueue],
        clusters: Sequence[ClusterInQueue],
    ) -> KeptOff:
        """Take what attempts say, decide, and return where jobs do not go for now.

        Args:
            sites: in force.
            observer: has looked just now.
            at_work: jobs of the campaign that run.
            clusters: of the campaign, in the queue.

        Raises:
            PoolError: HTCondor does not answer.
            CampaignError: a file of the campaign cannot be read or written.

        """
        now = time.time()
        if now >= self._count_at:
            self._count_at = now + COUNT_EVERY_S
            self._hosts = self._negotiator.hosts([site.slots for site in sites.values()])
        # First: what failed before is forgiven, also when a throttle that begins reads it again.
        news = [line for name, at in self._readmissions.new() for line in self._ledger.readmit(name, at)]
        for job in at_work:
            if job.machine and job.site:
                self._site_of[job.machine] = job.site
        sites_of = {cluster.cluster: cluster.sites for cluster in clusters}
        for ended, record in observer.ended():
            self._take(ended, record, sites_of.get(ended.cluster, ()))
        for machine, site, at in observer.signs_of_work():
            self._ledger.alive(machine, site, at)
        self._notice_long_ones(at_work, now)
        news += self._ledger.decide(now)
        self._log.note_aside(news)
        self._try_again(now, clusters)
        return self._kept_off(now)

    def closed(self, now: float) -> dict[str, str]:
        """Return why a site gets no jobs, by site; one whose time is over may have one and is not among them."""
        return {
            one.name: f"set aside: {one.reason}"
            for one in self._ledger.asides.values()
            if one.kind == "site" and now < one.until
        }

    def on_trial(self, now: float) -> set[str]:
        """Return the sites that may have one job."""
        return {one.name for one in self._ledger.due(now) if one.kind == "site"}

    def _take(self, ended: EndedAttempt, record: Record | None, sites: Sequence[str]) -> None:
        site = record.site if record else sites[0] if len(sites) == 1 else self._site_of.get(ended.machine, "")
        if ended.exit_code == EXITS[ExitClass.DONE].code:
            self._ledger.worked(ended.machine, site, ended.at)
        elif blames_the_worker(ended.exit_code, has_record=record is not None):
            self._ledger.failed(ended.machine, site, ended.job, ended.at, ended.what)

    def _notice_long_ones(self, at_work: Sequence[JobInQueue], now: float) -> None:
        seen = {(job.cluster, job.proc, job.starts): job for job in at_work}
        self._began = {key: self._began.get(key, now) for key in seen}
        for key, job in seen.items():
            if job.machine and now - self._began[key] > AT_WORK_S:
                self._ledger.alive(job.machine, job.site, self._began[key])

    def _try_again(self, now: float, clusters: Sequence[ClusterInQueue]) -> None:
        """Let one waiting job try each host or site whose time is over; who it is is chosen again when it is gone."""
        due = [one for one in self._ledger.due(now) if self._tried_by_one_job(one)]
        if not due or not any(cluster.idle for cluster in clusters):
            return
        waiting = {f"{job.cluster}.{job.proc}": job for job in self._queue.jobs(self._folder, idle=True) if job.idle}
        # A job that failed before might fail for a reason of its own.
        fresh = sorted(waiting, key=lambda one: (waiting[one].starts, one))
        taken = {one.trial for one in self._ledger.asides.values()}
        for aside in due:
            if aside.trial in waiting:
                continue
            job = next((one for one in fresh if one not in taken), None)
            if job is None:
                return
            taken.add(job)
            self._queue.edit_job(job, {TRIAL_ATTRIBUTE: quote_classad(aside.name)})
            self._ledger.trying(aside, job)

    def _tried_by_one_job(self, aside: Aside) -> bool:
        """Whether one job is told to try; where a site's own clusters admit its jobs, it is given room for one."""
        return aside.kind == "host" or self._admission.get(aside.name) == "negotiator"

    def _kept_off(self, now: float) -> KeptOff:
        asides = self._ledger.asides.values()
        return KeptOff(
            hosts=tuple(sorted(one.name for one in asides if one.kind == "host")),
            sites=tuple(sorted(one.name for one in asides if one.kind == "site" and self._tried_by_one_job(one))),
            elsewhere=self._elsewhere(now),
        )

    def _elsewhere(self, now: float) -> str:
        """Where a job goes that its worker failed: anywhere else, or back only to the one host that works.

        Before anything has worked it goes elsewhere as well, if the pool has several hosts: a black hole is quickest.
        """
        working = self._ledger.working_hosts(now)
        if len(working) == 1:
            return working[0]
        return ANY_OTHER if working or self._hosts > 1 else ""
