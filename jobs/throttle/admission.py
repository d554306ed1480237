"""Who admits jobs at each site: the negotiator where we may set its limits, else the size of the site's clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from jobs.errors import UsageError
from jobs.running.describe import Limit
from jobs.throttle.negotiator import gpu_limit, jobs_limit, link_limit, site_limit
from jobs.throttle.rate import CHARGE_STEP_MBPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.spec.links import Links
    from jobs.spec.site import Site
    from jobs.throttle.decide import Decision
    from jobs.throttle.negotiator import Negotiator

__all__ = ["choose_admission", "limits_of", "limits_to_set"]


def choose_admission(
    sites: Mapping[str, Site], negotiator: Negotiator
) -> dict[str, Literal["negotiator", "materialize"]]:
    """Return who admits jobs, by site; asks the negotiator only if a site leaves it open or wants it.

    Raises:
        UsageError: a site config asks for the negotiator, and it cannot be leaned on.

    """
    wish = {name: site.admission for name, site in sites.items()}
    obstacle = negotiator.obstacle() if any(word != "materialize" for word in wish.values()) else ""
    wanted = [name for name, word in wish.items() if word == "negotiator"]
    if obstacle and wanted:
        message = (
            f"site {wanted[0]} has admission: negotiator, and {obstacle}; "
            "write admission: materialize, or ask the administrator of the pool (docs/how-to/add-a-site.md)"
        )
        raise UsageError(message)
    return {
        name: "materialize" if word == "materialize" or (word == "auto" and obstacle) else "negotiator"
        for name, word in wish.items()
    }


def limits_of(site: Site) -> tuple[Limit, ...]:
    """Return what the negotiator charges a job at a site to."""
    charged = [site_limit(site.name), *(link_limit(link) for link in site.shared_links)]
    limits = [Limit(name, "mbps") for name in charged]
    if site.gpu_pool is not None:
        limits.append(Limit(gpu_limit(site.gpu_pool), "job"))
    if site.most_jobs is not None:
        limits.append(Limit(jobs_limit(site.name), "any job"))
    return tuple(limits)


def limits_to_set(
    sites: Mapping[str, Site], links: Links, decisions: Mapping[str, Decision], in_use: Mapping[str, float]
) -> dict[str, float]:
    """Return the limits that let each site have its room, and no link more than its budget.

    Args:
        sites: those whose jobs the negotiator admits.
        links: what they share.
        decisions: by site.
        in_use: what is charged now, all campaigns and users together, by name of the limit in Mb/s.

    """
    limits: dict[str, float] = {}
    more = {name: _more_mbps(decisions[name]) for name in sites}
    for name, site in sites.items():
        full = site.budget_mbps * site.admit_factor + _rounding(decisions[name])
        limits[site_limit(name)] = min(full, in_use.get(site_limit(name), 0.0) + more[name])
        if site.most_jobs is not None:
            limits[jobs_limit(name)] = float(site.most_jobs)
        if site.gpu_pool is not None:
            limits[gpu_limit(site.gpu_pool)] = float(links.gpu_pools[site.gpu_pool].most_jobs)
    for link in {link for site in sites.values() for link in site.shared_links}:
        users = [name for name, site in sites.items() if link in site.shared_links]
        full = links.shared_links[link].budget_mbps * min(sites[name].admit_factor for name in users)
        full += sum(_rounding(decisions[name]) for name in users)
        used = in_use.get(link_limit(link), 0.0)
        limits[link_limit(link)] = min(full, used + sum(more[name] for name in users))
    return limits


def _rounding(decision: Decision) -> float:
    """Return by how much the charges of all jobs that are admitted may be rounded up."""
    return decision.admitted * CHARGE_STEP_MBPS if decision.admitted else 0.0


def _more_mbps(decision: Decision) -> float:
    """Return what the jobs that may start now are charged together."""
    return max(0, decision.room - decision.running) * decision.rate.charge_mbps
