"""Hands a campaign's jobs to HTCondor group by group, and takes back what another site should have."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING

from jobs.planning.write_blocks import write_blocks
from jobs.pool.endpoint import embedded_endpoint
from jobs.running.clusters import note_cluster, note_return, read_clusters
from jobs.running.keep_held import keep_held
from jobs.running.submit import Conditions, Submitter, jobs_to_run
from jobs.spec.site import site_access
from jobs.throttle.admission import limits_of
from jobs.throttle.deal import Hand, deal, take_back
from jobs.throttle.groups import groups_of
from jobs.throttle.materialize import orders
from jobs.throttle.observe import LOST_DEALS, round_began

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.block import SiteAccess
    from jobs.layout import CampaignFolder
    from jobs.manifest import Manifest
    from jobs.running.describe import Limit, SiteTerms
    from jobs.running.kept_off import KeptOff
    from jobs.running.queue import Queue
    from jobs.running.queued import ClusterInQueue, JobInQueue
    from jobs.spec.campaign import Campaign
    from jobs.spec.site import Grid
    from jobs.throttle.decide import Decision
    from jobs.throttle.groups import Group, Kind
    from jobs.throttle.observe import Observer

__all__ = ["SLOW_S", "Dealer"]

SLOW_S = 120.0
"""Time for which a group whose waiting jobs were taken for others comes last: two negotiation cycles and more."""


class Dealer:
    """Gives each group of sites the jobs that it may have.

    Args:
        folder, campaign, manifest: the campaign.
        queue: HTCondor's.
        admission: who admits jobs, by site.

    """

    def __init__(
        self,
        folder: CampaignFolder,
        campaign: Campaign,
        manifest: Manifest,
        queue: Queue,
        admission: Mapping[str, Kind],
    ) -> None:
        self._folder = folder
        self._campaign = campaign
        self._manifest = manifest
        self._queue = queue
        self._admission = admission
        self._submitter = Submitter(folder, campaign, manifest, queue)
        self._flavours: list[str] = manifest.table["flavour"].to_pylist()
        self._access: dict[str, SiteAccess] = {}
        self._taken_at: dict[Group, float] = {}
        self._noted: set[int] = set()

    def hands(
        self,
        grid: Grid,
        clusters: Sequence[ClusterInQueue],
        at_work: Sequence[JobInQueue],
        decisions: Mapping[str, Decision],
        flavours: Mapping[str, str],
        slots: Mapping[str, float],
    ) -> list[Hand]:
        """Return what each group has and may have; the arguments are those of `Enforcer.act`."""
        hands = []
        for group in groups_of(grid.sites, self._admission, dict.fromkeys(self._flavours)):
            held = tuple(one for one in clusters if (one.sites, one.runs_as) == (group.sites, group.runs_as))
            slow = time.monotonic() - self._taken_at.get(group, -math.inf) < SLOW_S
            if group.uses_network:
                room = sum(decisions[name].room for name in group.sites)
            elif group.flavours == frozenset({"auto"}) and all(flavours[name] == "gpu" for name in group.sites):
                room = sum(cluster.present for cluster in held)
            else:
                room = _free_of_network(group, grid, at_work, slots)
            hands.append(Hand(group, held, room, slow))
        return hands

    def size(self, hands: Sequence[Hand]) -> None:
        """Set how many jobs of each cluster may be in the queue, where that is what limits a site.

        Raises:
            PoolError: HTCondor does not answer or refuses.

        """
        for hand in hands:
            if hand.group.admission != "materialize":
                continue
            for order in orders(hand.clusters, hand.room):
                if order.give_back:
                    self._return(order.cluster)
                elif order.changes:
                    paused = "1" if order.paused else "0"
                    values = {"JobMaterializeLimit": str(order.limit), "JobMaterializePaused": paused}
                    self._queue.edit(order.cluster.cluster, values)

    def deal_out(
        self,
        grid: Grid,
        hands: Sequence[Hand],
        clusters: Sequence[ClusterInQueue],
        terms: Mapping[str, SiteTerms],
        kept_off: KeptOff,
        observer: Observer,
    ) -> dict[int, Mapping[str, SiteTerms]]:
        """Submit what groups may have of the jobs that are left, and take back what waits at the wrong one.

        Returns:
            By number of each new cluster, the terms that its jobs were submitted with.

        Raises:
            PoolError: HTCondor does not answer or refuses.
            CampaignError: a file of the campaign cannot be written.

        """
        self._write_down(clusters)
        self._keep_held(clusters, observer)
        self._rewrite_blocks(grid, observer)
        left = self._left(clusters, observer)
        self._take_back(hands, sum(map(len, left.values())))
        made: dict[int, Mapping[str, SiteTerms]] = {}
        for one in deal(hands, left, self._flavours.__getitem__):
            conditions = Conditions(
                sites={name: grid.sites[name] for name in one.group.sites},
                terms={name: terms[name] for name in one.group.sites},
                limits=_limits_of(grid, one.group),
                most_jobs=one.most_jobs,
                runs_as=one.group.runs_as,
                kept_off=kept_off,
            )
            made[self._submitter.submit(one.block, one.jobs, conditions, self._access)] = conditions.terms
        return made

    def _take_back(self, hands: Sequence[Hand], n_left: int) -> None:
        for hand in hands:
            for cluster in hand.clusters:
                if cluster.returned and not cluster.present:
                    self._queue.drop(cluster.cluster)
        if len(hands) > 1:
            stuck = take_back(hands, n_left)
            if stuck is not None:
                self._taken_at |= {hand.group: time.monotonic() for hand in hands if stuck in hand.clusters}
                self._return(stuck)

    def _return(self, cluster: ClusterInQueue) -> None:
        """Make a cluster materialize nothing more, and take its waiting jobs out of the queue."""
        note_return(self._folder.block(cluster.block), cluster.cluster)
        self._queue.edit(cluster.cluster, {"JobMaterializePaused": "1", "SonicGridReturned": "True"})
        self._queue.give_back(cluster.cluster, cluster.present)

    def _keep_held(self, clusters: Sequence[ClusterInQueue], observer: Observer) -> None:
        """Hold what came up although a person holds it, and let no more of it come up."""
        holds = {job: hold for block in observer.blocks for job, hold in observer.asked(block).holds.items()}
        if holds:
            keep_held(self._queue, self._folder, clusters, holds)

    def _left(self, clusters: Sequence[ClusterInQueue], observer: Observer) -> dict[int, list[int]]:
        """Return, by block, the jobs that have not ended and are in no cluster."""
        returned = [cluster.cluster for cluster in clusters if cluster.returned]
        taken = self._queue.present_jobs(returned) if returned else set()
        for cluster in clusters:
            if not cluster.returned:
                # What failed there and is to run again is there no longer, although its cluster is.
                left_it = observer.asked(cluster.block).left
                taken.update(job for job in cluster.jobs if cluster.cluster not in left_it.get(job, ()))
        began = round_began(self._folder)
        left: dict[int, list[int]] = {}
        for block in observer.blocks:
            asked = observer.asked(block)
            free = [job for job in observer.unfinished(block) if job not in taken and job not in asked.holds]
            if free:
                made = [one for one in read_clusters(self._folder.block(block)) if not one.returned]
                since = {job: max(began, retry.at) for job, retry in asked.retries.items()}
                deals = Counter(job for one in made for job in one.jobs if one.submitted >= since.get(job, began))
                ended = self._ended(block, {job for job in free if deals[job]})
                left[block] = [job for job in free if deals[job] < LOST_DEALS and job not in ended]
        return left

    def _ended(self, block: int, jobs: set[int]) -> set[int]:
        """Return which jobs have ended by their records, of those that left the queue without a word in the log."""
        if not jobs:
            return set()
        rows = [row for row in self._manifest.block(block) if row.job in jobs]
        return jobs - set(jobs_to_run(self._folder.block(block), rows, self._manifest.digest))

    def _write_down(self, clusters: Sequence[ClusterInQueue]) -> None:
        """Note clusters that nobody noted: whoever submitted them was killed just then, or the disk was full."""
        for cluster in clusters:
            if cluster.cluster not in self._noted:
                folder = self._folder.block(cluster.block)
                if all(one.cluster != cluster.cluster for one in read_clusters(folder)):
                    note_cluster(folder, cluster.cluster, cluster.jobs)
                self._noted.add(cluster.cluster)

    def _rewrite_blocks(self, grid: Grid, observer: Observer) -> None:
        """Tell jobs that start from now on where the inference pool is now."""
        access = {name: site_access(site, embedded_endpoint) for name, site in grid.sites.items()}
        if access != self._access:
            self._access = access
            known = [number for number in observer.blocks if self._folder.block(number).description.exists()]
            write_blocks(self._manifest, self._campaign, access, self._folder, known)


def _free_of_network(
    group: Group, grid: Grid, at_work: Sequence[JobInQueue], slots: Mapping[str, float], most: int = 10_000
) -> int:
    """Return how many jobs that use no network may be in the queue: as many as there are slots for, and no more."""
    room = 0.0
    for name in group.sites:
        limit = grid.sites[name].most_jobs
        busy = sum(job.site == name and job.charge_mbps > 0 for job in at_work)
        room += min(slots.get(name, math.inf), math.inf if limit is None else limit) - busy
    return max(0, int(min(room, most)))


def _limits_of(grid: Grid, group: Group) -> dict[str, tuple[Limit, ...]]:
    if group.admission != "negotiator":
        return {}
    return {name: limits_of(grid.sites[name]) for name in group.sites}
