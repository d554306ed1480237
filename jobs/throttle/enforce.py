"""Carries decisions out, in the order that keeps links safe: shares first, then limits, then more jobs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from jobs.replace_file import replace_file
from jobs.running.describe import SiteTerms, terms_attributes
from jobs.running.kept_off import KeptOff
from jobs.shares import shares_text
from jobs.throttle.admission import limits_to_set
from jobs.throttle.negotiator import link_limit, site_limit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.running.queue import Queue
    from jobs.running.queued import ClusterInQueue, JobInQueue
    from jobs.spec.site import Grid
    from jobs.throttle.decide import Decision
    from jobs.throttle.groups import Kind
    from jobs.throttle.hand_out import Dealer
    from jobs.throttle.negotiator import Negotiator
    from jobs.throttle.observe import Observer

__all__ = ["Enforcer"]

TOLD_AGAIN_UP, TOLD_AGAIN_DOWN = 1.02, 0.998
"""Jobs are told a new share, and HTCondor a new charge, once it differs by these factors."""


class Enforcer:
    """Acts on HTCondor for one campaign.

    Args:
        shares: file that running jobs read their shares from.
        queue, negotiator: HTCondor.
        dealer: hands jobs out.
        admission: who admits jobs, by site.

    """

    def __init__(
        self, shares: Path, queue: Queue, negotiator: Negotiator, dealer: Dealer, admission: Mapping[str, Kind]
    ) -> None:
        self._shares = shares
        self._queue = queue
        self._negotiator = negotiator
        self._dealer = dealer
        self._admission = admission
        self._told: dict[int, dict[str, SiteTerms]] = {}
        self._kept_off: dict[int, KeptOff] = {}
        self._began = True

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
        kept_off: KeptOff = KeptOff(),  # noqa: B008 - frozen
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
            kept_off: hosts and sites where jobs do not go for now.

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
        replace_file(self._shares, shares_text({name: one.share_mbps for name, one in terms.items()}))
        self._keep_off(clusters, kept_off)
        self._tell(clusters, terms)
        self._set_limits(grid, at_work, decisions, others_mbps)
        hands = self._dealer.hands(grid, clusters, at_work, decisions, flavours, slots)
        self._dealer.size(hands)
        for cluster, told in self._dealer.deal_out(grid, hands, clusters, terms, kept_off, observer).items():
            self._told[cluster] = dict(told)
            self._kept_off[cluster] = kept_off

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

    def _keep_off(self, clusters: Sequence[ClusterInQueue], now: KeptOff) -> None:
        for cluster in clusters:
            # What a cluster was told by a throttle before this one is not known.
            before = self._kept_off.get(cluster.cluster, None if self._began else KeptOff())
            if before != now:
                self._queue.edit(cluster.cluster, now.attributes())
                self._kept_off[cluster.cluster] = now
        self._began = False

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
