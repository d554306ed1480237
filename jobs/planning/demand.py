"""What a campaign will ask of the network, and how many jobs that lets run, as far as it can be told beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.errors import ConfigError, Problem
from jobs.planning.expect import SiteRoom, expect_s
from jobs.spec.links import Links
from jobs.spec.units import RATE, SHARE
from jobs.throttle.allot import Ask, allot, bounds_of
from jobs.throttle.rate import estimated_mbps
from sonic.wire_format import TYPICAL_BYTES_PER_PATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.manifest import Manifest
    from jobs.spec.campaign import Campaign
    from jobs.spec.site import Site

__all__ = ["Demand", "SiteDemand", "check_budgets", "estimate_demand"]


@dataclass(frozen=True)
class SiteDemand:
    """What one site lets the campaign have; None is what is not known before the first jobs report.

    Attributes:
        budget_mbps: Mb/s that the site's jobs may send together.
        mbps_per_job: Mb/s on the wire of one running job of the gpu flavour, mean.
        jobs_that_fit: jobs whose mean demand fills what binds; with them the campaign's duration is computed.
        admitted: jobs that may run at once, `admit_factor` included.
        binds: what keeps the site from more.
        slots: that belong to the site now; None if no pool was asked.

    """

    budget_mbps: float
    mbps_per_job: float | None
    jobs_that_fit: int | None
    admitted: int | None
    binds: str
    slots: int | None = None

    def sentence(self, site: Site) -> str:
        """Return it in words."""
        if not self.budget_mbps:
            return f"{site.name}: closed for jobs that use the network (campaign_share: 0 %)"
        budget = f"{SHARE.write(site.campaign_share)} of {RATE.write(site.uplink_mbps)}"
        if self.mbps_per_job is None or self.jobs_that_fit is None:
            return f"{site.name}: {budget}; the first jobs are pilots and tell how many fit"
        return (
            f"{site.name}: {self.mbps_per_job:.3g} Mb/s a job, {self.jobs_that_fit:,} jobs fit in {budget};"
            f" {self.binds} {'bind' if self.binds == 'slots' else 'binds'}"
        )


@dataclass(frozen=True)
class Demand:
    """What the campaign asks; None is what is not known before the first jobs report."""

    mbps_per_job: float | None
    """Mean Mb/s on the wire of one running job of the gpu flavour, by the spec's estimate.

    Where sites differ in their wire formats, each counts as the jobs that fit there; so it is with `total_gb`.
    """
    total_gb: float | None
    """GB of requests that all jobs send to the inference pool."""
    expected_s: float | None
    """Seconds that the gpu jobs take with every site as full as its limits and its ramp allow; None if none fits."""
    sites: Mapping[str, SiteDemand]


def check_budgets(campaign: Campaign, sites: Mapping[str, Site], spec: str) -> None:
    """Refuse a site whose budget is too small for one job by the spec's estimate.

    Raises:
        ConfigError: names every such site, with both numbers.

    """
    if campaign.estimate is None or campaign.flavour == "cpu":
        return
    rates = {name: estimated_mbps(campaign.estimate, site.wire_format) for name, site in sites.items()}
    remedy = "raise uplink or campaign_share, close the site with campaign_share: 0 %, or correct the estimate"
    small = [
        name for name, site in sites.items() if site.rate_per_job_mbps is None and 0 < site.budget_mbps < rates[name]
    ]
    if small:
        raise ConfigError(
            [
                Problem(
                    spec,
                    "estimate",
                    f"site '{name}' has a budget of {RATE.write(sites[name].budget_mbps)}, too small for one job of"
                    f" {rates[name]:.3g} Mb/s",
                    remedy,
                )
                for name in small
            ]
        )


def estimate_demand(
    campaign: Campaign,
    sites: Mapping[str, Site],
    manifest: Manifest,
    links: Links | None = None,
    slots: Mapping[str, int] | None = None,
) -> Demand:
    """Compute what the campaign asks of every site's network.

    Args:
        campaign: its estimate.
        sites: by name.
        manifest: its events.
        links: what the sites share.
        slots: by site, how many belong to it; None if no pool was asked.

    """
    links = links or Links()
    estimate = campaign.estimate
    estimated = {name: estimated_mbps(estimate, site.wire_format) if estimate else None for name, site in sites.items()}
    rates = {name: site.rate_per_job_mbps or estimated[name] for name, site in sites.items()}
    asks = {name: Ask(mbps, slots[name] if slots else math.inf) for name, mbps in rates.items() if mbps is not None}
    fit = allot(asks, bounds_of(sites, links, admit=False))
    admitted = allot(asks, bounds_of(sites, links, admit=True))
    by_site = {
        name: SiteDemand(
            budget_mbps=site.budget_mbps,
            mbps_per_job=rates[name],
            jobs_that_fit=fit[name].jobs if name in fit else None,
            admitted=admitted[name].jobs if name in admitted else None,
            binds=fit[name].binds if name in fit else "pilots",
            slots=slots[name] if slots else None,
        )
        for name, site in sites.items()
    }
    if estimate is None:
        return Demand(None, None, None, by_site)
    events = manifest.n_events - manifest.n_cpu_events
    rooms = [SiteRoom(allotment.jobs, sites[name].ramp_per_min / 60) for name, allotment in fit.items()]
    expected_s = expect_s(
        rooms,
        n_jobs=manifest.n_jobs - manifest.n_cpu_jobs,
        work_s=events * estimate.seconds_per_event,
        longest_s=manifest.most_events * estimate.seconds_per_event,
    )
    n_jobs = {name: allotment.jobs for name, allotment in fit.items()}
    bytes_per_hit = {name: TYPICAL_BYTES_PER_PATCH[site.wire_format] for name, site in sites.items()}
    return Demand(
        mbps_per_job=_mean({name: estimated_mbps(estimate, site.wire_format) for name, site in sites.items()}, n_jobs),
        total_gb=events * estimate.hits_per_event * _mean(bytes_per_hit, n_jobs) / 1e9,
        expected_s=expected_s,
        sites=by_site,
    )


def _mean(values: Mapping[str, float], weights: Mapping[str, int]) -> float:
    """Return the mean over sites, or without any weight the largest: what may come to be must fit."""
    total = sum(weights.values())
    return sum(values[name] * weights[name] for name in weights) / total if total else max(values.values())
