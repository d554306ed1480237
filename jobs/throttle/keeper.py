"""One campaign's throttle: what it remembers between two looks, and the order of a look.

Smaller shares are told before more jobs are let in, and room grows only once they have been in force for `SETTLE_S`.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.manifest import read_manifest
from jobs.running.queue import open_queue
from jobs.spec.campaign import load_campaign
from jobs.throttle.admission import choose_admission
from jobs.throttle.correct import Correction, correct
from jobs.throttle.decide import FULL, SiteSeen, decide
from jobs.throttle.enforce import Enforcer
from jobs.throttle.flavour import CORE_PATCHES_PER_S, thinnest_share_mbps
from jobs.throttle.in_force import grid_in_force, put_in_force
from jobs.throttle.negotiator import open_negotiator
from jobs.throttle.observe import Observer
from jobs.throttle.ramp import Ramp
from jobs.throttle.rate import JobRate, Tally, choose_rate
from jobs.throttle.state import SiteState, ThrottleState, read_state, write_state
from jobs.throttle.write_decisions import DecisionLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.running.queue import ClusterInQueue, JobInQueue
    from jobs.spec.site import Grid, Site
    from jobs.throttle.decide import Decision

__all__ = ["SETTLE_S", "Keeper"]

SETTLE_S = 12.0
"""Time in which every running job has read its share again (each asks every 5 s), and other campaigns have looked."""

SLOTS_EVERY_S = 15.0
"""Time between two counts of the free slots."""

STALLED_S = 60.0
"""A site with room where no job has started for so long has no slots for more."""

NEARLY = 0.95
"""Part of the admitted jobs that run where jobs end and start all the time."""

_ANY = 10**9


@dataclass(frozen=True)
class _Published:
    """What the jobs of a site were told: for how many the shares were made, and what the share was to become."""

    planned: int
    target_mbps: float


class Keeper:
    """Looks and acts for one campaign.

    Args:
        folder: of the campaign, planned.
        sites_folder: of the site configs, put into force if none are.

    Raises:
        ConfigError: the site configs have problems.
        CampaignError: a file of the campaign cannot be read.
        PoolError: HTCondor does not answer, or a site config asks for what the pool does not give.

    """

    def __init__(self, folder: CampaignFolder, sites_folder: Path) -> None:
        self._folder = folder
        self._campaign = load_campaign(folder.spec)
        manifest = read_manifest(folder.manifest)
        if grid_in_force(folder) is None:
            put_in_force(folder, sites_folder, self._campaign.sites, str(folder.spec))
        self._queue = open_queue()
        self._negotiator = open_negotiator()
        self._in_force: tuple[tuple[int, int], Grid] | None = None
        self._grid = self._read_grid()
        before = read_state(folder)
        self._state = before or ThrottleState(at=0.0, sites={})
        known = before.sites if before else {}
        if set(known) >= set(self._grid.sites) and self._queue.clusters(folder):
            self._admission = {name: known[name].admission for name in self._grid.sites}
        else:
            self._admission = choose_admission(self._grid.sites, self._negotiator)
        self._observer = Observer(
            folder,
            manifest,
            {name: site.tally for name, site in known.items()},
            before.core_patches_per_s if before else None,
            before.at if before else 0.0,
        )
        self._corrections = {name: site.correction for name, site in known.items()}
        self._ramps: dict[str, Ramp] = {}
        self._at_work: set[tuple[int, int, int]] | None = None
        self._published: deque[tuple[float, dict[str, _Published]]] = deque()
        if known:
            # Nobody knows how long ago running jobs read what they were told last: for so many it was long enough.
            told = {name: _Published(site.room, site.share_mbps) for name, site in known.items()}
            self._published.append((time.monotonic(), told))
        self._slots: dict[str, float] = {}
        self._slots_due = 0.0
        self._grew: dict[str, float] = {}
        self._decided: Mapping[str, Decision] = {}
        self._decisions = DecisionLog(folder)
        self._enforcer = Enforcer(folder, self._campaign, manifest, self._queue, self._negotiator, self._admission)

    def look(self) -> ThrottleState:
        """Look once, act, and return what was decided.

        Raises:
            PoolError: HTCondor does not answer; what was in force stays so.
            JobsError: a file of the campaign cannot be read or written.

        """
        self._grid = self._read_grid()
        sites = self._grid.sites
        clusters = self._queue.clusters(planned_at=sites)
        jobs = self._queue.jobs(idle=False)
        self._observer.look()
        mine = [job for job in jobs if job.folder == str(self._folder.root)]
        others = self._others(clusters, jobs)
        seen = self._see(jobs, others)
        rates = self._rates(seen)
        decisions = decide(sites, self._grid.links, rates, seen, others, split_shared=True)
        self._decided = decisions
        flavours = {name: "gpu" if one.running < one.admitted else "cpu" for name, one in decisions.items()}
        own = [cluster for cluster in clusters if cluster.folder == str(self._folder.root)]
        self._enforcer.act(self._grid, own, mine, decisions, flavours, others, self._slots, self._observer)
        # Only now: the time in which jobs read their shares begins when they were told.
        told = {name: _Published(one.planned, one.target_mbps) for name, one in decisions.items()}
        self._published.append((time.monotonic(), told))
        self._state = self._state_of(decisions, flavours, mine)
        write_state(self._folder, self._state)
        self._decisions.note(sites, decisions, self._corrections)
        return self._state

    def note_problem(self, problem: str) -> None:
        """Write down that HTCondor did not answer."""
        if problem != self._state.problem:
            self._state = self._state.model_copy(update={"problem": problem})
            write_state(self._folder, self._state)

    def _read_grid(self) -> Grid:
        """Return what is in force; read again only when the file was replaced."""
        try:
            status = self._folder.sites.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
        except FileNotFoundError as error:
            message = f"{self._folder.sites} is gone; `sonicgrid sites apply` puts the site configs into force again"
            raise CampaignError(message) from error
        if self._in_force is None or stamp != self._in_force[0]:
            grid = grid_in_force(self._folder)
            if grid is None:
                message = f"{self._folder.sites} went away while it was read"
                raise CampaignError(message)
            self._in_force = (stamp, grid)
        return self._in_force[1]

    def _others(self, clusters: Sequence[ClusterInQueue], jobs: Sequence[JobInQueue]) -> dict[str, float]:
        """Return what others may send, Mb/s, by site and by shared link: other campaigns, and other schedds' jobs."""
        plans: dict[tuple[str, str], float] = {}
        for cluster in clusters:
            if cluster.folder != str(self._folder.root):
                for site, mbps in cluster.planned_mbps.items():
                    plans[cluster.folder, site] = max(plans.get((cluster.folder, site), 0.0), mbps)
        others: dict[str, float] = {}
        for (_, site), mbps in plans.items():
            for link in (site, *self._grid.sites[site].shared_links):
                others[link] = others.get(link, 0.0) + mbps
        if "negotiator" in self._admission.values():
            for link, mbps in self._enforcer.charged_elsewhere(self._grid, jobs).items():
                others[link] = others.get(link, 0.0) + mbps
        return others

    def _see(self, jobs: Sequence[JobInQueue], others: Mapping[str, float]) -> dict[str, SiteSeen]:
        now = time.monotonic()
        mine = [job for job in jobs if job.folder == str(self._folder.root)]
        self._count_slots(jobs, now)
        left = float(self._observer.n_unfinished)
        at_work = {(job.cluster, job.proc, job.starts) for job in mine if job.charge_mbps > 0}
        new = at_work - self._at_work if self._at_work is not None else set()
        self._at_work = at_work
        while len(self._published) > 1 and self._published[1][0] <= now - SETTLE_S:
            self._published.popleft()
        seen = {}
        for name, site in self._grid.sites.items():
            here = [job for job in mine if job.site == name and job.charge_mbps > 0]
            started = sum((job.cluster, job.proc, job.starts) in new for job in here)
            before = self._ramps.get(name, Ramp(at_s=now))
            self._ramps[name] = before.after(now, started, site.ramp_per_min)
            if started or len(here) >= self._room(name):
                self._grew[name] = now
            most = min(self._slots.get(name, math.inf), self._most_by_flavour(site), left)
            if self._admission[name] == "negotiator":
                most = min(most, self._most_by_charges(site, here, others.get(name, 0.0)))
            if now - self._grew.setdefault(name, now) > STALLED_S:
                # Shares are not made thin for jobs that do not come: the slots there do not suit them.
                most = min(most, len(here) + max(1, len(here) // 10))
            settled = [] if site.gateway else [told[name] for _, told in self._published if name in told]
            seen[name] = SiteSeen(
                running=len(here),
                starts=self._ramps[name].starts,
                ready=min((one.planned for one in settled), default=_ANY),
                most=most,
                ready_mbps=min((one.target_mbps for one in settled), default=math.inf),
            )
        return seen

    def _count_slots(self, jobs: Sequence[JobInQueue], now: float) -> None:
        """Count the slots that the campaign has at each site or could have now."""
        if now < self._slots_due:
            return
        self._slots_due = now + SLOTS_EVERY_S
        owner = next((job.owner for job in jobs if job.owner), "")
        for name, site in self._grid.sites.items():
            others = sum(job.site == name and job.folder != str(self._folder.root) for job in jobs)
            self._slots[name] = max(0.0, self._negotiator.slots_to_have(site.slots, owner) - others)

    def _room(self, name: str) -> int:
        decided = self._decided.get(name)
        return decided.room if decided is not None else 0

    def _most_by_charges(self, site: Site, here: Sequence[JobInQueue], others_mbps: float) -> float:
        """Return how many jobs the negotiator lets run: those that do are charged as when they were admitted."""
        decided = self._decided.get(site.name)
        if decided is None or decided.rate.charge_mbps <= 0:
            return math.inf
        left_mbps = site.budget_mbps * site.admit_factor - others_mbps - sum(job.charge_mbps for job in here)
        return len(here) + max(0, math.floor(left_mbps / decided.rate.charge_mbps + 1e-6))

    def _most_by_flavour(self, site: Site) -> float:
        """Return how many gpu jobs are sooner done than cpu jobs, where jobs may be either."""
        if self._campaign.flavour != "auto":
            return math.inf
        core = self._observer.core_patches_per_s or CORE_PATCHES_PER_S
        tally = self._observer.tallies.get(site.name, Tally())
        return math.floor(site.budget_mbps * FULL / thinnest_share_mbps(tally, core))

    def _rates(self, seen: Mapping[str, SiteSeen]) -> dict[str, JobRate]:
        """Return Mb/s per job by site, corrected."""
        now = time.time()
        everywhere = sum(self._observer.tallies.values(), Tally())
        rates = {}
        for name, site in self._grid.sites.items():
            here = self._observer.tallies.get(name, Tally())
            before = self._corrections.get(name, Correction())
            recent = self._observer.recent.get(name, Tally())
            decided = self._decided.get(name)
            if decided is None or decided.rate.origin != "measured":
                # Nothing to correct yet: the time for a step to show begins when reports are what counts.
                after = replace(before, changed_at=now)
            else:
                after = correct(
                    before,
                    recent.pressure,
                    admit_factor=site.admit_factor,
                    at_limit=decided.link_binds and seen[name].running >= NEARLY * decided.admitted,
                    now_s=now,
                    share_use=recent.share_use,
                    over_limit=seen[name].running > decided.admitted,
                )
            self._corrections[name] = after
            rates[name] = choose_rate(site, here, everywhere, self._campaign.estimate, after.factor)
        return rates

    def _state_of(
        self, decisions: Mapping[str, Decision], flavours: Mapping[str, str], mine: Sequence[JobInQueue]
    ) -> ThrottleState:
        sites = {
            name: SiteState(
                admission=self._admission[name],
                budget_mbps=self._grid.sites[name].budget_mbps,
                rate_mbps=one.rate.mbps,
                rate_origin=one.rate.origin,
                admitted=one.admitted,
                binds=one.binds,
                room=one.room,
                planned=one.planned,
                running=one.running,
                cpu_running=sum(job.site == name and job.charge_mbps <= 0 for job in mine),
                share_mbps=round(one.share_mbps, 4),
                flavour="gpu" if flavours[name] == "gpu" else "cpu",
                correction=self._corrections[name],
                tally=self._observer.tallies.get(name, Tally()),
            )
            for name, one in decisions.items()
        }
        return ThrottleState(at=time.time(), core_patches_per_s=self._observer.core_patches_per_s, sites=sites)
