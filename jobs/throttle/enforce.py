"""Carries decisions out: tells the jobs their shares, sets limits, hands jobs to HTCondor and takes them back."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from jobs.planning.write_blocks import write_blocks
from jobs.pool.endpoint import embedded_endpoint
from jobs.running.clusters import note_return, read_clusters
from jobs.running.describe import SiteTerms, terms_attributes
from jobs.running.submit import Conditions, Submitter
from jobs.spec.site import site_access
from jobs.throttle.admission import limits_of, limits_to_set
from jobs.throttle.deal import Hand, deal, take_back
from jobs.throttle.groups import groups_of
from jobs.throttle.materialize import orders
from jobs.throttle.negotiator import link_limit, site_limit
from jobs.throttle.observe import LOST_DEALS, round_began

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.block import SiteAccess
    from jobs.layout import CampaignFolder
    from jobs.manifest import Manifest
    from jobs.running.describe import Limit
    from jobs.running.queue import ClusterInQueue, JobInQueue, Queue
    from jobs.spec.campaign import Campaign
    from jobs.spec.site import Grid
    from jobs.throttle.decide import Decision
    from jobs.throttle.groups import Group, Kind
    from jobs.throttle.negotiator import Negotiator
    from jobs.throttle.observe import Observer

__all__ = ["Enforcer"]

TOLD_AGAIN_UP, TOLD_AGAIN_DOWN = 1.02, 0.998
"""Jobs are told a new share, and HTCondor a new charge, once it differs by these factors."""

SLOW_S = 120.0
"""Time for which a group whose waiting jobs were taken for others comes last: two negotiation cycles and more."""


class Enforcer:
    """Acts on HTCondor for one campaign.

    Args:
        folder, campaign, manifest: the campaign.
        queue, negotiator: HTCondor.
        admission: who admits jobs, by site.

    """

    def __init__(
        self,
        folder: CampaignFolder,
        campaign: Campaign,
        manifest: Manifest,
        queue: Queue,
        negotiator: Negotiator,
        admission: Mapping[str, Kind],
    ) -> None:
        self._folder = folder
        self._campaign = campaign
        self._manifest = manifest
        self._queue = queue
        self._negotiator = negotiator
        self._admission = admission
        self._submitter = Submitter(folder, campaign, manifest, queue)
        self._flavours: list[str] = manifest.table["flavour"].to_pylist()
        self._told: dict[int, dict[str, SiteTerms]] = {}
        self._limits: dict[str, float] = {}
        self._access: dict[str, SiteAccess] = {}
        self._taken_at: dict[Group, float] = {}

    def act(
        self,
        grid: Grid,
        clusters: Sequence[ClusterInQueue],
        at_work: Sequence[JobInQueue],
        decisions: Mapping[str, Decision],
        flavours: Mapping[str, str],
        others_mbps: Mapping[str, float],
        slots: Mapping[str, float],
        observer: Observer,
    ) -> None:
        """Carry out one look's decisions.

        Args:
            grid: sites and links in force.
            clusters: of the campaign, in the queue.
            at_work: jobs of the campaign that run.
            decisions: by site.
            flavours: of the next job with `flavour: auto`, by site.
            others_mbps: Mb/s that are admitted for others, by site and by shared link.
            slots: that the campaign has or could have, by site.
            observer: knows which jobs have not ended.

        Raises:
            PoolError: HTCondor does not answer or refuses.
            CampaignError: a file of the campaign cannot be written.

        """
        terms = {
            name: SiteTerms(
                charge_mbps=one.rate.charge_mbps,
                share_mbps=one.share_mbps,
                flavour=flavours[name],
                planned_mbps=one.planned * one.rate.mbps,
                takes_more=0 < one.room >= one.running,
            )
            for name, one in decisions.items()
        }
        self._tell(clusters, terms)
        self._set_limits(grid, at_work, decisions, others_mbps)
        groups = groups_of(grid.sites, self._admission, dict.fromkeys(self._flavours))
        hands = [self._hand(group, grid, clusters, at_work, decisions, flavours, slots) for group in groups]
        self._size(hands)
        self._rewrite_blocks(grid, observer)
        left = self._left(clusters, observer)
        self._take_back(hands, sum(map(len, left.values())))
        for one in deal(hands, left, self._flavours.__getitem__):
            conditions = Conditions(
                sites={name: grid.sites[name] for name in one.group.sites},
                terms={name: terms[name] for name in one.group.sites},
                limits=self._limits_of(grid, one.group),
                most_jobs=one.most_jobs,
                runs_as=one.group.runs_as,
            )
            cluster = self._submitter.submit(one.block, one.jobs, conditions, self._access)
            self._told[cluster] = dict(conditions.terms)

    def charged_elsewhere(self, grid: Grid, jobs: Sequence[JobInQueue]) -> dict[str, float]:
        """Return what the negotiator charges to jobs of other schedds, Mb/s, by site and by shared link.

        Raises:
            PoolError: the collector does not answer.

        """
        charged = self._negotiator.charged_to_others({job.schedd for job in jobs})
        if not any(job.schedd for job in jobs):
            return {}
        links = {link for site in grid.sites.values() for link in site.shared_links}
        return {name: charged.get(site_limit(name), 0.0) for name in grid.sites} | {
            link: charged.get(link_limit(link), 0.0) for link in links
        }

    def _tell(self, clusters: Sequence[ClusterInQueue], terms: Mapping[str, SiteTerms]) -> None:
        for cluster in clusters:
            here = {name: terms[name] for name in cluster.sites if name in terms}
            told = self._told.get(cluster.cluster, {})
            news = {name: one for name, one in here.items() if name not in told or _differs(told[name], one)}
            if news:
                values = [terms_attributes(name, one) for name, one in news.items()]
                self._queue.edit(cluster.cluster, {key: value for pairs in values for key, value in pairs.items()})
                self._told[cluster.cluster] = {**told, **news}

    def _set_limits(
        self,
        grid: Grid,
        at_work: Sequence[JobInQueue],
        decisions: Mapping[str, Decision],
        others_mbps: Mapping[str, float],
    ) -> None:
        sites = {name: site for name, site in grid.sites.items() if self._admission[name] == "negotiator"}
        if not sites:
            return
        in_use: dict[str, float] = defaultdict(float)
        for name, site in sites.items():
            charged = sum(job.charge_mbps for job in at_work if job.site == name)
            in_use[site_limit(name)] += charged + others_mbps.get(name, 0.0)
            for link in site.shared_links:
                in_use[link_limit(link)] += charged
        for link in {link for site in sites.values() for link in site.shared_links}:
            in_use[link_limit(link)] += others_mbps.get(link, 0.0)
        wanted = limits_to_set(sites, grid.links, decisions, in_use)
        in_force = self._negotiator.limits(list(wanted))
        # Asked each time: a negotiator that started again has none of them.
        self._negotiator.set_limits(
            {name: value for name, value in wanted.items() if not _same(in_force.get(name), value)}
        )

    def _hand(
        self,
        group: Group,
        grid: Grid,
        clusters: Sequence[ClusterInQueue],
        at_work: Sequence[JobInQueue],
        decisions: Mapping[str, Decision],
        flavours: Mapping[str, str],
        slots: Mapping[str, float],
    ) -> Hand:
        held = tuple(
            cluster for cluster in clusters if cluster.sites == group.sites and cluster.runs_as == group.runs_as
        )
        slow = time.monotonic() - self._taken_at.get(group, -math.inf) < SLOW_S
        if group.uses_network:
            return Hand(group, held, sum(decisions[name].room for name in group.sites), slow)
        present = sum(cluster.present for cluster in held)
        if group.flavours == frozenset({"auto"}) and all(flavours[name] == "gpu" for name in group.sites):
            return Hand(group, held, present, slow)
        room = 0.0
        for name in group.sites:
            most = grid.sites[name].most_jobs
            busy = sum(job.site == name and job.charge_mbps > 0 for job in at_work)
            room += min(slots.get(name, math.inf), math.inf if most is None else most) - busy
        return Hand(group, held, max(0, int(min(room, 10_000))), slow)

    def _size(self, hands: Sequence[Hand]) -> None:
        for hand in hands:
            if hand.group.admission != "materialize":
                continue
            for order in orders(hand.clusters, hand.room):
                number = order.cluster.cluster
                if order.give_back:
                    self._return(order.cluster)
                elif order.changes:
                    paused = "1" if order.paused else "0"
                    self._queue.edit(number, {"JobMaterializeLimit": str(order.limit), "JobMaterializePaused": paused})

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

    def _left(self, clusters: Sequence[ClusterInQueue], observer: Observer) -> dict[int, list[int]]:
        """Return, by block, the jobs that have not ended and are in no cluster."""
        taken: set[int] = set()
        returned = [cluster.cluster for cluster in clusters if cluster.returned]
        taken |= self._queue.present_jobs(returned) if returned else set()
        for cluster in clusters:
            if not cluster.returned:
                taken.update(cluster.jobs)
        began = round_began(self._folder)
        left: dict[int, list[int]] = {}
        for block in observer.blocks:
            free = [job for job in observer.unfinished(block) if job not in taken]
            if free:
                made = [one for one in read_clusters(self._folder.block(block)) if not one.returned]
                deals = Counter(job for one in made if one.submitted >= began for job in one.jobs)
                left[block] = [job for job in free if deals[job] < LOST_DEALS]
        return left

    def _rewrite_blocks(self, grid: Grid, observer: Observer) -> None:
        """Tell jobs that start from now on where the inference pool is now."""
        access = {name: site_access(site, embedded_endpoint) for name, site in grid.sites.items()}
        if access != self._access:
            self._access = access
            known = [number for number in observer.blocks if self._folder.block(number).description.exists()]
            write_blocks(self._manifest, self._campaign, access, self._folder, known)

    def _limits_of(self, grid: Grid, group: Group) -> dict[str, tuple[Limit, ...]]:
        if group.admission != "negotiator":
            return {}
        return {name: limits_of(grid.sites[name]) for name in group.sites}


def _differs(told: SiteTerms, now: SiteTerms) -> bool:
    pairs = [
        (told.share_mbps, now.share_mbps),
        (told.charge_mbps, now.charge_mbps),
        (told.planned_mbps, now.planned_mbps),
    ]
    return (told.flavour, told.takes_more) != (now.flavour, now.takes_more) or any(
        not before * TOLD_AGAIN_DOWN <= after <= before * TOLD_AGAIN_UP for before, after in pairs
    )


def _same(in_force: float | None, wanted: float) -> bool:
    return in_force is not None and abs(in_force - wanted) < 0.01
