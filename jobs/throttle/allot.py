"""How many jobs each site may have when links and GPU pools are shared: fair in Mb/s, to the last whole job.

Every site grows at the same rate of Mb/s until something that it needs is full (max-min fairness by progressive
filling, Bertsekas and Gallager, Data Networks, 1992, section 6.5.2); what binds is remembered, for people to read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobs.spec.links import Links
    from jobs.spec.site import Site

__all__ = ["OWN_LINK", "SHARED_LINK", "SLOTS", "Allotment", "Ask", "Bound", "allot", "bounds_of"]

OWN_LINK = "the link"
SHARED_LINK = "shared link "
SLOTS = "slots"
"""What binds a site, in words; the name of a shared link follows."""

_TINY = 1e-9


@dataclass(frozen=True)
class Ask:
    """What one site wants.

    Attributes:
        mbps_per_job: Mb/s on the wire that one of its jobs takes; above zero.
        most_jobs: most that it can use, by its slots or the work that is left; infinite if that is not known.
        most_by: which of these, in words.

    """

    mbps_per_job: float
    most_jobs: float = math.inf
    most_by: str = SLOTS


@dataclass(frozen=True)
class Bound:
    """One thing that the sites fill together.

    Attributes:
        what: in words: "the link", "shared link esnet", "GPU pool nrp".
        capacity: Mb/s, or jobs.
        sites: who fills it.
        in_jobs: whether the capacity counts jobs.

    """

    what: str
    capacity: float
    sites: tuple[str, ...]
    in_jobs: bool = False


@dataclass(frozen=True)
class Allotment:
    """How many jobs a site may have, and what keeps it from having more."""

    jobs: int
    binds: str


def bounds_of(sites: Mapping[str, Site], links: Links, *, admit: bool) -> list[Bound]:
    """Return everything that limits the sites.

    Args:
        sites: by name.
        links: what they share.
        admit: count the jobs that are admitted beyond the mean demand too (`admit_factor`); a shared link takes the
            smallest factor of its sites.

    """
    factor = {name: site.admit_factor if admit else 1.0 for name, site in sites.items()}
    found = [Bound(OWN_LINK, site.budget_mbps * factor[name], (name,)) for name, site in sites.items()]
    for name, site in sites.items():
        if site.most_jobs is not None:
            found.append(Bound("most_jobs", float(site.most_jobs), (name,), in_jobs=True))
    for link, shared in links.shared_links.items():
        users = tuple(name for name, site in sites.items() if link in site.shared_links)
        if users:
            capacity = shared.budget_mbps * min(factor[name] for name in users)
            found.append(Bound(f"{SHARED_LINK}{link}", capacity, users))
    for pool, gpus in links.gpu_pools.items():
        users = tuple(name for name, site in sites.items() if site.gpu_pool == pool)
        if users:
            found.append(Bound(f"GPU pool {pool}", float(gpus.most_jobs), users, in_jobs=True))
    return found


def allot(asks: Mapping[str, Ask], bounds: Sequence[Bound]) -> dict[str, Allotment]:
    """Share everything out.

    Args:
        asks: by site.
        bounds: as from `bounds_of`.

    """
    every = [*bounds, *(Bound(ask.most_by, ask.most_jobs, (name,), in_jobs=True) for name, ask in asks.items())]
    grown = dict.fromkeys(asks, 0.0)
    binds: dict[str, str] = {}
    while growing := [name for name in asks if name not in binds]:
        steps = [(_room(bound, asks, grown, growing), bound) for bound in every]
        step, _ = min(steps, key=lambda pair: pair[0])
        if math.isinf(step):
            return {name: Allotment(0, ask.most_by) for name, ask in asks.items()}
        for name in growing:
            grown[name] += step
        for room, bound in steps:
            if room <= step + _TINY:
                binds |= {name: bound.what for name in bound.sites if name in growing and name not in binds}
    return {
        name: Allotment(math.floor(grown[name] / ask.mbps_per_job + _TINY), binds[name]) for name, ask in asks.items()
    }


def _room(bound: Bound, asks: Mapping[str, Ask], grown: Mapping[str, float], growing: Iterable[str]) -> float:
    """Return by how many Mb/s each growing site may still grow before the bound is full."""
    here = [name for name in bound.sites if name in asks]
    cost = {name: 1 / asks[name].mbps_per_job if bound.in_jobs else 1.0 for name in here}
    rate = sum(cost[name] for name in growing if name in cost)
    used = sum(cost[name] * grown[name] for name in here)
    return max(0.0, bound.capacity - used) / rate if rate else math.inf
