"""How many Mb/s one job takes: measured from what jobs report, so that no pacing can disguise it.

A paced job sends no faster than it may, so its throughput says nothing about what it would take. But its stages do:
it prepares the next event while this one is on the wire, so left alone it is as fast as the slower of the two, and
what the pacer held it back does not count. Each stage is measured by what went through it: events that are prepared
and wait would make the job look slow if their preparation were held against the few bytes that were let through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD

if TYPE_CHECKING:
    from jobs.heartbeat import Heartbeat
    from jobs.record import Record
    from jobs.spec.campaign import Estimate
    from jobs.spec.site import Site

__all__ = ["PILOTS", "JobRate", "Tally", "choose_rate", "estimated_mbps", "tally_of_heartbeat", "tally_of_record"]

PILOTS = 3
"""Jobs of a site that run before anything is known about its jobs; their reports give the numbers for the rest."""

PILOT_CHARGE = 0.05
"""Part of its rate that a pilot is charged."""

CHARGE_STEP_MBPS = 0.01
"""Charges are whole multiples of this, rounded up: HTCondor is told them as text with two decimals."""

MEMORY_S = 900.0
"""What was reported so long ago counts 1/e of what is reported now."""

ENOUGH_S = 20.0
"""Seconds of work at a site after which its own reports count."""


@dataclass(frozen=True)
class Tally:
    """Sums over reports; seconds of wall time.

    Attributes:
        wire_mb: MB on the wire, framing included.
        events: events scored.
        prepare_s: reading, locating hits, and the rest of the reconstruction.
        send_s: from an event's first patch to its last score, without what the pacer held back.
        write_s: writing the output.
        paced_s: held back by the pacer.
        window_s: time that the reports cover.
        prepared_mb: MB on the wire of the events that were prepared, sent or not.
        allowed_mb: MB that the shares would have let through; 0 for jobs that are not paced.

    """

    wire_mb: float = 0.0
    events: float = 0.0
    prepare_s: float = 0.0
    send_s: float = 0.0
    write_s: float = 0.0
    paced_s: float = 0.0
    window_s: float = 0.0
    prepared_mb: float = 0.0
    allowed_mb: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Add two sums."""
        return Tally(*(mine + its for mine, its in zip(_values(self), _values(other), strict=True)))

    def faded(self, age_s: float, memory_s: float = MEMORY_S) -> Tally:
        """Return the sums as they count after `age_s` more seconds: 1/e of it after `memory_s`."""
        kept = math.exp(-age_s / memory_s)
        return Tally(*(value * kept for value in _values(self)))

    @property
    def mbps(self) -> float | None:
        """Mb/s that a job takes if nobody holds it back; None if too little is known."""
        through = (
            (self.prepared_mb, self.prepare_s),
            (self.wire_mb, self.send_s),
            (self.wire_mb, self.write_s),
        )
        speeds = [megabytes * 8 / seconds for megabytes, seconds in through if seconds > 0]
        if not speeds or not min(self.wire_mb, self.prepared_mb) > 0 or self.window_s < ENOUGH_S:
            return None
        return min(speeds)

    @property
    def pressure(self) -> float | None:
        """Part of the time for which jobs waited for their share and nothing else; None if too little is known.

        Not the time for which a request waits for the pacer: that is nearly all of it in a job that uses its share,
        whether there is one job or three for what the link carries. But a job whose events are held back has its
        slowest stage idle: by so much is it slower than alone.
        """
        if self.window_s < ENOUGH_S or self.allowed_mb <= 0:
            return None
        return max(0.0, 1.0 - max(self.prepare_s, self.send_s, self.write_s) / self.window_s)

    @property
    def share_use(self) -> float | None:
        """Part of their shares that jobs used; None if too little is known, or nothing paces them."""
        return self.wire_mb / self.allowed_mb if self.allowed_mb > 0 and self.window_s >= ENOUGH_S else None


def _values(tally: Tally) -> tuple[float, ...]:
    return (
        tally.wire_mb,
        tally.events,
        tally.prepare_s,
        tally.send_s,
        tally.write_s,
        tally.paced_s,
        tally.window_s,
        tally.prepared_mb,
        tally.allowed_mb,
    )


def tally_of_heartbeat(beat: Heartbeat) -> Tally:
    """Return what one heartbeat of a gpu job adds."""
    return Tally(
        wire_mb=beat.bytes_sent * WIRE_OVERHEAD / 1e6,
        events=beat.events,
        prepare_s=beat.prepare_s,
        send_s=max(0.0, beat.inference_s - beat.paced_s),
        write_s=beat.write_s,
        paced_s=beat.paced_s,
        window_s=beat.window_s,
        prepared_mb=beat.prepared_hits * PATCH_BYTES * WIRE_OVERHEAD / 1e6,
        allowed_mb=(beat.share_mbps or 0.0) * beat.window_s / 8,
    )


def tally_of_record(record: Record) -> Tally:
    """Return what one successful attempt of a gpu job adds; its start-up sends nothing and is left out."""
    stages = record.stages
    return Tally(
        wire_mb=record.bytes_sent * WIRE_OVERHEAD / 1e6,
        events=record.events,
        prepare_s=stages.read_s + stages.prepare_s,
        send_s=max(0.0, stages.inference_s - record.paced_s),
        write_s=stages.write_s,
        paced_s=record.paced_s,
        window_s=max(0.0, record.ended - record.started - stages.startup_s),
        prepared_mb=record.bytes_sent * WIRE_OVERHEAD / 1e6,
    )


@dataclass(frozen=True)
class JobRate:
    """What one job of a site is taken to need.

    Attributes:
        mbps: Mb/s on the wire.
        origin: "config": typed in by hand; "measured": at this site; "elsewhere": measured at the campaign's other
            sites; "spec": from the spec's estimate; "pilots": nothing is known, so that `PILOTS` jobs fill the link.

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


def estimated_mbps(estimate: Estimate) -> float:
    """Return the mean rate of a gpu job by the spec's estimate, Mb/s on the wire."""
    patches_mb = estimate.hits_per_event * PATCH_BYTES / 1e6
    return patches_mb * WIRE_OVERHEAD * 8 / estimate.seconds_per_event


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
        return JobRate(bounded(estimated_mbps(estimate)), "spec")
    return JobRate(max(site.budget_mbps, 0.001) * site.admit_factor / PILOTS, "pilots")
