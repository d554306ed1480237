"""How many Mb/s one job is taken to need: the best that is known, from what was typed in to nothing at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jobs.throttle.tally import wire_mb_per_hit

if TYPE_CHECKING:
    from jobs.spec.campaign import Estimate
    from jobs.spec.site import Site
    from jobs.throttle.tally import Tally
    from sonic.wire_format import WireFormat

__all__ = ["PILOTS", "JobRate", "choose_rate", "estimated_mbps"]

PILOTS = 3
"""Jobs of a site that run before anything is known about its jobs; their reports give the numbers for the rest."""

PILOT_CHARGE = 0.05
"""Part of its rate that a pilot is charged."""

CHARGE_STEP_MBPS = 0.01
"""Charges are whole multiples of this, rounded up: HTCondor is told them as text with two decimals."""


@dataclass(frozen=True)
class JobRate:
    """What one job of a site is taken to need.

    Attributes:
        mbps: Mb/s on the wire.
        origin: "config": typed in by hand; "measured": at this site; "elsewhere": measured at the campaign's other
            sites of its wire format; "spec": from the spec's estimate; "pilots": nothing is known, so that `PILOTS`
            jobs fill the link.

    """

    mbps: float
    origin: Literal["config", "measured", "elsewhere", "spec", "pilots"]

    @property
    def charge_mbps(self) -> float:
        """Mb/s that a job is admitted with: what it needs, but little for pilots.

        A running job is charged for as long as it runs what it was admitted with. Pilots, whose need is not known, are
        kept to their number by the room of their site; charged for all of the link, they would keep the jobs that
        follow them out.
        """
        charge = self.mbps * (PILOT_CHARGE if self.origin == "pilots" else 1.0)
        return max(1, math.ceil(charge / CHARGE_STEP_MBPS - 1e-6)) * CHARGE_STEP_MBPS


def estimated_mbps(estimate: Estimate, wire_format: WireFormat) -> float:
    """Return the mean rate of a gpu job by the spec's estimate, Mb/s on the wire."""
    return estimate.hits_per_event * wire_mb_per_hit(wire_format) * 8 / estimate.seconds_per_event


def choose_rate(
    site: Site, here: Tally, everywhere: Tally, estimate: Estimate | None, correction: float = 1.0
) -> JobRate:
    """Return the best that is known of a site's jobs.

    Args:
        site: with its bounds.
        here: reports of jobs at the site.
        everywhere: reports of the campaign's jobs at all sites.
        estimate: from the spec.
        correction: what the loop multiplies a measured rate with.

    """
    if site.rate_per_job_mbps is not None:
        return JobRate(site.rate_per_job_mbps, "config")
    # One job must always fit: it is paced to the budget, whatever it would take.
    most = min(site.most_rate_per_job_mbps or math.inf, site.budget_mbps * site.admit_factor or math.inf)

    def bounded(mbps: float) -> float:
        return min(max(mbps, site.least_rate_per_job_mbps), most)

    if here.mbps is not None:
        return JobRate(bounded(here.mbps * correction), "measured")
    if everywhere.mbps is not None:
        return JobRate(bounded(everywhere.mbps), "elsewhere")
    if estimate is not None:
        return JobRate(bounded(estimated_mbps(estimate, site.wire_format)), "spec")
    return JobRate(max(site.budget_mbps, 0.001) * site.admit_factor / PILOTS, "pilots")
