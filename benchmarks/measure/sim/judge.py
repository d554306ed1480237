"""What a simulated campaign did to every link, and whether that keeps the promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.throttle.allot import OWN_LINK, SHARED_LINK, Ask, allot, bounds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.sim.campaign import Trace
    from measure.sim.grid import Grid

__all__ = ["AIM_USED", "RAMP_S", "LinkUse", "judge", "keeps_the_promise", "limits_at"]

AIM_USED = 0.9
"""Least part of a budget to be used on a link that is what binds."""

RAMP_S = 1800
"""Time after the start, and after a change, that is left out of the mean use, though not of the largest second: jobs
start at their ramp, reports are waited for, and none is killed where fewer should run."""


@dataclass(frozen=True)
class LinkUse:
    """One link in one case.

    Attributes:
        link: its name.
        budget_mbps: at the start.
        used: mean part of the budget in the seconds that count: those in which this link binds; where it never does,
            all after the ramp.
        used_always: mean part of the budget after the first ramp, changes included.
        worst: largest second over what was allowed in it.
        seconds_above: clock seconds whose fullest second was above.
        binds: whether it binds in the seconds that count.
        limited_by: what else keeps its sites from using more, in words.

    """

    link: str
    budget_mbps: float
    used: float
    used_always: float
    worst: float
    seconds_above: int
    binds: bool
    limited_by: str


def limits_at(grid: Grid, part: float) -> dict[str, str]:
    """Return what binds each site at a part of the simulated time, by the truth rather than by what jobs report.

    Each site has its slots and its CPUs' true Mb/s; what is shared out, and the factor of the jobs that are admitted
    beyond the mean demand, are as in the throttle.
    """
    sites = dict(grid.sites)
    mbps = {name: farm.mbps for name, farm in grid.farms.items()}
    for change in grid.changes:
        if change.at > part:
            continue
        site = grid.sites[change.site]
        if change.what == "budget":
            sites[change.site] = site.model_copy(update={"campaign_share": site.campaign_share * change.factor})
        else:
            mbps[change.site] *= change.factor
    asks = {name: Ask(mbps[name], farm.slots) for name, farm in grid.farms.items()}
    allotted = allot(asks, bounds_of(sites, grid.links, admit=True))
    return {name: one.binds for name, one in allotted.items()}


def judge(trace: Trace, grid: Grid) -> tuple[LinkUse, ...]:
    """Return what the campaign did to each link."""
    allowed, moments = trace.allowed_mbps, sorted({0.0, *(change.at for change in grid.changes)})
    limits = {moment: limits_at(grid, moment) for moment in moments}
    uses = []
    for number, link in enumerate(trace.links):
        shared = link in grid.links.shared_links
        users = [name for name, site in grid.sites.items() if (link in site.shared_links if shared else name == link)]
        mine = f"{SHARED_LINK}{link}" if shared else OWN_LINK
        settled, binding, words = np.ones(trace.seconds, bool), np.zeros(trace.seconds, bool), set[str]()
        for moment in moments:
            first, now = round(moment * trace.seconds), {limits[moment][name] for name in users}
            binding[first:] = mine in now
            words |= now - {mine}
            if moment == 0 or any(
                _concerns(grid, change.site, users) for change in grid.changes if change.at == moment
            ):
                settled[first : first + RAMP_S] = False
        uses.append(_use(trace, number, allowed[number], settled, binding, words))
    return tuple(uses)


def _concerns(grid: Grid, changed: str, users: list[str]) -> bool:
    """Return whether a site is one of a link's users, or shares another link with one of them."""
    links = set(grid.sites[changed].shared_links)
    return changed in users or any(links & set(grid.sites[user].shared_links) for user in users)


def _use(
    trace: Trace,
    number: int,
    allowed: NDArray[np.float64],
    settled: NDArray[np.bool_],
    binding: NDArray[np.bool_],
    others: set[str],
) -> LinkUse:
    budget, after_ramp = trace.budget_mbps[number], np.arange(trace.seconds) >= RAMP_S
    part = trace.mbps[number] / budget
    binds = bool((settled & binding).any())
    counts = settled & binding if binds else after_ramp
    # A megabit of rounding is no megabit on the wire.
    above = trace.worst_mbps[number] > allowed * (1 + 1e-9)
    return LinkUse(
        link=trace.links[number],
        budget_mbps=float(budget[0]),
        used=float(part[counts].mean()) if counts.any() else 0.0,
        used_always=float(part[after_ramp].mean()) if after_ramp.any() else 0.0,
        worst=float((trace.worst_mbps[number] / allowed).max()),
        seconds_above=int(above.sum()),
        binds=binds,
        limited_by="" if binds else ", ".join(sorted(others)),
    )


def keeps_the_promise(uses: tuple[LinkUse, ...]) -> bool:
    """Return whether no second was above its budget, and links that bind are well used; one at least must bind."""
    binding = [use for use in uses if use.binds]
    return bool(binding) and all(use.seconds_above == 0 for use in uses) and all(u.used >= AIM_USED for u in binding)
