"""The three ways to let a campaign onto the links: no throttle, a fixed count of jobs, and SonicGrid's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from measure.box.plan import BoxPlan

__all__ = ["Case", "fixed_count", "no_throttle", "right_counts", "throttled"]

_WIDE = "100 Gb/s"
"""An uplink that no job of a box ever fills: what a site config says where nothing is to be kept."""

_AT_ONCE = "6000/min"


@dataclass(frozen=True)
class Case:
    """One way, as configs.

    Attributes:
        key: one letter.
        title: for table and plot.
        sites: the document of each site config.
        links: the document of links.yaml; empty for none.
        together: whether one campaign runs at all sites; otherwise each site has a campaign of its own.

    """

    key: str
    title: str
    sites: Mapping[str, Mapping[str, object]]
    links: Mapping[str, object] = field(default_factory=dict)
    together: bool = True


def right_counts(plan: BoxPlan, mbps_per_job: float) -> dict[str, int]:
    """Return how many jobs of a rate fit each site's budgets; a shared one is divided evenly among its sites."""
    counts = {}
    for site in plan.sites:
        budget_mbps = site.uplink.budget_mbps
        shared = plan.shared_by(site.name)
        if shared is not None:
            budget_mbps = min(budget_mbps, shared.link.budget_mbps / len(shared.sites))
        counts[site.name] = max(1, int(budget_mbps / mbps_per_job + 1e-9))
    return counts


def no_throttle(plan: BoxPlan, endpoint: str, mbps_per_job: float) -> Case:
    """Every slot runs a job at once, and no job paces itself: the configs promise links that nothing can fill."""
    sites = {site.name: _unthrottled(endpoint, mbps_per_job) for site in plan.sites}
    return Case("a", "no throttle", sites)


def fixed_count(plan: BoxPlan, endpoint: str, mbps_per_job: float) -> Case:
    """As many jobs as would be right if each sent half of what it does, and no job paces itself.

    That is what a count does that was right once: the jobs change and it does not. A campaign per site, because a
    count is a site's.
    """
    counts = right_counts(plan, mbps_per_job / 2)
    sites = {
        name: {**_unthrottled(endpoint, mbps_per_job), "most_jobs": min(count, _slots(plan, name))}
        for name, count in counts.items()
    }
    return Case("b", "fixed count, right for half the rate", sites, together=False)


def throttled(plan: BoxPlan, endpoint: str) -> Case:
    """Each site config says what its links carry and what of it campaigns may fill; SonicGrid does the rest."""
    sites: dict[str, dict[str, object]] = {}
    for site in plan.sites:
        sites[site.name] = {
            "endpoints": endpoint,
            "uplink": _rate(site.uplink.rate_mbps),
            "campaign_share": _percent(site.uplink.campaign_share),
        }
        shared = plan.shared_by(site.name)
        if shared is not None:
            sites[site.name]["shared_links"] = [shared.link.name]
    links = {
        shared.link.name: {
            "rate": _rate(shared.link.rate_mbps),
            "campaign_share": _percent(shared.link.campaign_share),
        }
        for shared in plan.shared
    }
    return Case("c", "SonicGrid", sites, {"shared_links": links} if links else {})


def _unthrottled(endpoint: str, mbps_per_job: float) -> dict[str, object]:
    # The rate spares the first jobs from being pilots, for which all others would wait. No gateway is there: the key
    # only says that jobs need not pace themselves.
    return {
        "endpoints": endpoint,
        "gateway": True,
        "uplink": _WIDE,
        "campaign_share": "100 %",
        "ramp": _AT_ONCE,
        "rate_per_job": _rate(mbps_per_job),
    }


def _slots(plan: BoxPlan, name: str) -> int:
    return next(site.slots for site in plan.sites if site.name == name)


def _rate(mbps: float) -> str:
    return f"{mbps:g} Mb/s"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
