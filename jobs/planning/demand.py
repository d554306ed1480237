"""What a campaign will ask of the network, as far as its spec tells beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sonic.network import PATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.manifest import Manifest
    from jobs.spec.campaign import Campaign, Estimate
    from jobs.spec.site import Site

__all__ = ["Demand", "SiteDemand", "estimate_demand", "mbps_per_job"]


@dataclass(frozen=True)
class SiteDemand:
    """What one site lets the campaign have; None is what is not known."""

    budget_mbps: float
    """Mb/s that the site's jobs may send together."""
    jobs_that_fit: int | None
    """Jobs of the gpu flavour that the budget carries."""
    most_jobs: int | None
    """Limit of the site config on jobs."""

    @property
    def most_at_once(self) -> int | None:
        """Most jobs at once by what is known."""
        known = [number for number in (self.jobs_that_fit, self.most_jobs) if number is not None]
        return min(known) if known else None

    @property
    def binds(self) -> str:
        """Which of the limits binds."""
        if self.most_at_once is None:
            return "slots"
        return "uplink" if self.most_at_once == self.jobs_that_fit else "most_jobs"


@dataclass(frozen=True)
class Demand:
    """What the campaign asks; None is what is not known before the first jobs report."""

    mbps_per_job: float | None
    """Mean Mb/s of one running job of the gpu flavour."""
    total_gb: float | None
    """GB that all jobs send to the inference pool."""
    shortest_s: float | None
    """Seconds that the gpu jobs take at least, with every site as full as its limits allow."""
    sites: Mapping[str, SiteDemand]


def mbps_per_job(estimate: Estimate) -> float:
    """Return the mean rate at which a job of the gpu flavour sends patches, Mb/s."""
    return estimate.hits_per_event * PATCH_BYTES * 8 / 1e6 / estimate.seconds_per_event


def estimate_demand(campaign: Campaign, sites: Mapping[str, Site], manifest: Manifest) -> Demand:
    """Compute what the campaign asks of every site's network."""
    estimate = campaign.estimate
    rate = mbps_per_job(estimate) if estimate else None
    by_site = {}
    for name, site in sites.items():
        fit = int(site.budget_mbps / rate) if rate else None
        by_site[name] = SiteDemand(site.budget_mbps, fit, site.most_jobs)
    if estimate is None:
        return Demand(None, None, None, by_site)
    events = manifest.n_events - manifest.n_cpu_events
    limits = [demand.most_at_once for demand in by_site.values()]
    at_once = sum(limit for limit in limits if limit is not None) if None not in limits else None
    return Demand(
        rate,
        events * estimate.hits_per_event * PATCH_BYTES / 1e9,
        events * estimate.seconds_per_event / at_once if at_once else None,
        by_site,
    )
