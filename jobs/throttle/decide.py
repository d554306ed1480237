"""The throttle itself: from what is allowed and what is seen to what each site gets next. No clock, no pool, no file.

Two promises are kept by arithmetic. Shares: the jobs that run and those that may start before the next decision, each
at its share, together stay inside every link's budget. Order: a site gets room for more jobs only once the smaller
shares that this needs have been in force long enough for running jobs to have read them, and larger shares only once
the smaller ones of other sites on the same link have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jobs.throttle.allot import OWN_LINK, SHARED_LINK, SLOTS, Ask, allot, bounds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.spec.links import Links
    from jobs.spec.site import Site
    from jobs.throttle.allot import Bound
    from jobs.throttle.rate import JobRate

__all__ = ["FULL", "Decision", "SiteSeen", "decide"]

FULL = 0.97
"""Part of a budget that shares add up to. What is handed over in one second may be on the wire in the next, and
what else travels (HTCondor, acknowledgements) is not counted: in `benchmarks/link.py`, seconds differ by 2 to 3 %."""


@dataclass(frozen=True)
class SiteSeen:
    """A site at one moment; jobs that use no network are not counted.

    Attributes:
        running: jobs of the campaign that run.
        starts: jobs that the ramp lets start now.
        ready: jobs for whose number the shares have been in force long enough.
        most: jobs that the site can use.
        most_by: what it cannot use more for, in words: its slots, what is left of the campaign, and the like.
        ready_mbps: share for which room has been made long enough: the smallest target of that time.

    """

    running: int = 0
    starts: int = 0
    ready: int = 0
    most: float = math.inf
    most_by: str = SLOTS
    ready_mbps: float = math.inf


@dataclass(frozen=True)
class Decision:
    """What one site gets until the next decision.

    Attributes:
        site: its name.
        rate: Mb/s that one job is taken to need.
        running: jobs that run.
        admitted: jobs that may run in the end.
        binds: what keeps it from more.
        room: jobs that may run now, on the way there; never less than what the ramp and the shares allow.
        planned: jobs that the shares are made for.
        share_mbps: Mb/s on the wire that one job may send; 0 where nothing may be sent.
        target_mbps: what that will be once all jobs have read the shares that make room for it.

    """

    site: str
    rate: JobRate
    running: int
    admitted: int
    binds: str
    room: int
    planned: int
    share_mbps: float
    target_mbps: float

    @property
    def link_binds(self) -> bool:
        """Whether a link keeps the site from more jobs, its own or a shared one."""
        return self.binds == OWN_LINK or self.binds.startswith(SHARED_LINK)


def decide(
    sites: Mapping[str, Site],
    links: Links,
    rates: Mapping[str, JobRate],
    seen: Mapping[str, SiteSeen],
    others_mbps: Mapping[str, float],
) -> dict[str, Decision]:
    """Decide for every site.

    Args:
        sites: the sites in force.
        links: what they share.
        rates: of one job, by site.
        seen: by site.
        others_mbps: Mb/s that jobs of other campaigns are admitted with, by site and by shared link.

    """
    asks = {name: Ask(rates[name].mbps, seen[name].most, seen[name].most_by) for name in sites}
    bounds = bounds_of(sites, links, admit=True)
    allotted = allot(asks, [_less(bound, others_mbps) for bound in bounds])
    planned = {
        name: max(seen[name].running, min(allotted[name].jobs, seen[name].running + seen[name].starts))
        for name in sites
    }
    targets = _targets(sites, links, rates, planned, others_mbps)
    return {
        name: Decision(
            site=name,
            rate=rates[name],
            running=seen[name].running,
            admitted=allotted[name].jobs,
            binds=allotted[name].binds,
            room=min(allotted[name].jobs, planned[name], max(seen[name].ready, seen[name].running)),
            planned=planned[name],
            share_mbps=min(targets[name], seen[name].ready_mbps),
            target_mbps=targets[name],
        )
        for name in sites
    }


def _less(bound: Bound, others_mbps: Mapping[str, float]) -> Bound:
    """Take off what other campaigns use."""
    if bound.in_jobs:
        return bound
    key = bound.sites[0] if bound.what == OWN_LINK else bound.what.removeprefix(SHARED_LINK)
    return replace(bound, capacity=max(0.0, bound.capacity - others_mbps.get(key, 0.0)))


def _targets(
    sites: Mapping[str, Site],
    links: Links,
    rates: Mapping[str, JobRate],
    planned: Mapping[str, int],
    others_mbps: Mapping[str, float],
) -> dict[str, float]:
    """Return what one job of each site may send: all are slowed alike until a link is full, then the rest go on.

    Where other campaigns use a link, we have a part of its budget, by what we want and they are admitted with.
    """
    wanted = {name: planned[name] * rates[name].mbps for name in sites if planned[name]}
    pipes: list[tuple[float, tuple[str, ...], str]] = [
        (site.budget_mbps, (name,), name) for name, site in sites.items()
    ]
    pipes += [
        (shared.budget_mbps, tuple(name for name, site in sites.items() if link in site.shared_links), link)
        for link, shared in links.shared_links.items()
    ]
    left: list[tuple[float, set[str]]] = []
    for budget, names, key in pipes:
        users = {name for name in names if name in wanted}
        ours = sum(wanted[name] for name in users)
        if users:
            left.append((budget * FULL * ours / (ours + others_mbps.get(key, 0.0)), users))
    parts: dict[str, float] = {}
    while open_ := wanted.keys() - parts.keys():
        levels = [
            (
                max(0.0, budget - sum(wanted[name] * parts[name] for name in users - open_))
                / sum(wanted[name] for name in users & open_),
                users & open_,
            )
            for budget, users in left
            if users & open_
        ]
        lowest = min(level for level, _ in levels)
        parts |= {name: lowest for level, users in levels if level <= lowest for name in users}
    return {name: rates[name].mbps * parts.get(name, 0.0) for name in sites}
