"""What a look sees of each site: jobs that run, starts that the ramp allows, and how many more could come at all."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from jobs.throttle.allot import SLOTS
from jobs.throttle.decide import FULL, SiteSeen
from jobs.throttle.flavour import CORE_PATCHES_PER_S, thinnest_share_mbps
from jobs.throttle.ramp import Ramp
from jobs.throttle.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jobs.running.queued import JobInQueue
    from jobs.spec.site import Site
    from jobs.throttle.decide import Decision
    from jobs.throttle.groups import Kind
    from jobs.throttle.negotiator import Negotiator
    from jobs.throttle.observe import Observer

__all__ = ["Lookout", "Published"]

SLOTS_EVERY_S = 15.0
"""Time between two counts of the slots."""

NONE_CLOSED: Mapping[str, str] = MappingProxyType({})

ON_TRIAL = "on trial after it was set aside"

STALLED_S = 60.0
"""A site with room where no job has started for so long has no slots that suit more."""

_ANY = 10**9


@dataclass(frozen=True)
class Published:
    """What the jobs of a site were told: for how many the shares were made, and what the share was to become, Mb/s."""

    planned: int
    target_mbps: float


class Lookout:
    """Sees the sites, and remembers what it takes to tell what is new.

    Args:
        folder: of the campaign, as jobs in the queue name it.
        auto: whether jobs may be of either flavour.
        admission: who admits jobs, by site.
        negotiator: knows the slots.
        observer: knows what jobs report.

    """

    def __init__(
        self, folder: str, auto: bool, admission: Mapping[str, Kind], negotiator: Negotiator, observer: Observer
    ) -> None:
        self._folder = folder
        self._auto = auto
        self._admission = admission
        self._negotiator = negotiator
        self._observer = observer
        self._ramps: dict[str, Ramp] = {}
        self._at_work: set[tuple[int, int, int]] | None = None
        self._slots_due = 0.0
        self._grew: dict[str, float] = {}
        self.slots: dict[str, float] = {}
        """Slots that the campaign has or could have, by site."""

    def see(
        self,
        sites: Mapping[str, Site],
        jobs: Sequence[JobInQueue],
        others_mbps: Mapping[str, float],
        decided: Mapping[str, Decision],
        published: Sequence[Mapping[str, Published]],
        closed: Mapping[str, str] = NONE_CLOSED,
        on_trial: Collection[str] = (),
    ) -> dict[str, SiteSeen]:
        """Return what is seen of each site.

        Args:
            sites: in force.
            jobs: that run, of all campaigns.
            others_mbps: Mb/s that are admitted for others, by site and by shared link.
            decided: by site, the last time.
            published: what jobs were told in the time that it takes them to read it, and just before.
            closed: why a site gets no jobs for now, by site.
            on_trial: sites that get one job at a time.

        Raises:
            PoolError: the collector does not answer.

        """
        now = time.monotonic()
        self._count_slots(sites, jobs, now)
        left = float(self._observer.n_unfinished)
        mine = [job for job in jobs if job.folder == self._folder and job.charge_mbps > 0]
        at_work = {(job.cluster, job.proc, job.starts) for job in mine}
        new = at_work - self._at_work if self._at_work is not None else set()
        self._at_work = at_work
        seen = {}
        for name, site in sites.items():
            here = [job for job in mine if job.site == name]
            started = sum((job.cluster, job.proc, job.starts) in new for job in here)
            self._ramps[name] = self._ramps.get(name, Ramp(at_s=now)).after(now, started, site.ramp_per_min)
            before = decided.get(name)
            if started or name not in self._grew or before is None or len(here) >= before.room:
                self._grew[name] = now
            most: list[tuple[float, str]] = [
                (left, "jobs left"),
                (self.slots.get(name, math.inf), SLOTS),
                (self._most_by_flavour(site), "the core, sooner done"),
            ]
            if self._admission[name] == "negotiator" and before is not None:
                charged = _most_by_charges(site, here, others_mbps.get(name, 0.0), before.rate.charge_mbps)
                most.append((charged, "charges of running jobs"))
            if now - self._grew[name] > STALLED_S:
                # Shares are not made thin for jobs that do not come.
                most.append((len(here) + max(1, len(here) // 10), SLOTS))
            if name in closed:
                most.append((0, closed[name]))
            elif name in on_trial:
                most.append((1, ON_TRIAL))
            most_jobs, most_by = min(most, key=lambda pair: pair[0])
            settled = [] if site.gateway else [told[name] for told in published if name in told]
            seen[name] = SiteSeen(
                running=len(here),
                starts=self._ramps[name].starts,
                ready=min((one.planned for one in settled), default=_ANY),
                most=most_jobs,
                most_by=most_by,
                ready_mbps=min((one.target_mbps for one in settled), default=math.inf),
            )
        return seen

    def _count_slots(self, sites: Mapping[str, Site], jobs: Sequence[JobInQueue], now: float) -> None:
        if now < self._slots_due:
            return
        self._slots_due = now + SLOTS_EVERY_S
        owner = next((job.owner for job in jobs if job.owner), "")
        for name, site in sites.items():
            others = sum(job.site == name and job.folder != self._folder for job in jobs)
            self.slots[name] = max(0.0, self._negotiator.slots_to_have(site.slots, owner) - others)

    def _most_by_flavour(self, site: Site) -> float:
        """Return how many gpu jobs are sooner done than cpu jobs, where jobs may be either."""
        if not self._auto:
            return math.inf
        core = self._observer.core_patches_per_s or CORE_PATCHES_PER_S
        tally = self._observer.tallies.get(site.name, Tally())
        return math.floor(site.budget_mbps * FULL / thinnest_share_mbps(tally, site.wire_format, core))


def _most_by_charges(site: Site, here: Sequence[JobInQueue], others_mbps: float, charge_mbps: float) -> float:
    """Return how many jobs the negotiator lets run: those that do are charged as when they were admitted."""
    left_mbps = site.budget_mbps * site.admit_factor - others_mbps - sum(job.charge_mbps for job in here)
    return len(here) + max(0, math.floor(left_mbps / charge_mbps + 1e-6))
