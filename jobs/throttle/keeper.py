"""One campaign's throttle: what it remembers between two looks, and the order of a look.

Smaller shares are told before more jobs are let in, and room grows only once they have been in force for `SETTLE_S`.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.manifest import read_manifest
from jobs.running.queue import open_queue
from jobs.set_aside import set_aside
from jobs.spec.campaign import load_campaign
from jobs.throttle.admission import choose_admission
from jobs.throttle.correct import Correction, correct
from jobs.throttle.decide import decide
from jobs.throttle.enforce import Enforcer
from jobs.throttle.hand_out import Dealer
from jobs.throttle.in_force import grid_in_force, put_in_force
from jobs.throttle.negotiator import open_negotiator
from jobs.throttle.observe import Observer
from jobs.throttle.rate import JobRate, choose_rate
from jobs.throttle.see import Lookout, Published
from jobs.throttle.set_aside import Guard
from jobs.throttle.state import SiteState, ThrottleState, read_state, write_state
from jobs.throttle.tally import Tally
from jobs.throttle.write_decisions import DecisionLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.running.queued import ClusterInQueue, JobInQueue
    from jobs.spec.site import Grid
    from jobs.throttle.decide import Decision, SiteSeen
    from sonic.wire_format import WireFormat

__all__ = ["SETTLE_S", "Keeper"]

SETTLE_S = 12.0
"""Time in which every running job has read its share again (each asks every 5 s), and other campaigns have looked."""

NEARLY = 0.95
"""Part of the admitted jobs that run where jobs end and start all the time."""


def _state_before(folder: CampaignFolder) -> ThrottleState | None:
    """Return what was decided last; None where nothing was, or where it is damaged: then jobs' reports say it again."""
    try:
        return read_state(folder)
    except CampaignError:
        set_aside(folder, folder.throttle)
        return None


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
        before = _state_before(folder)
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
        self._published: deque[tuple[float, dict[str, Published]]] = deque()
        if known:
            # Nobody knows how long ago running jobs read what they were told last: for so many it was long enough.
            told = {name: Published(site.room, site.share_mbps) for name, site in known.items()}
            self._published.append((time.monotonic(), told))
        auto = self._campaign.flavour == "auto"
        self._lookout = Lookout(str(folder.root), auto, self._admission, self._negotiator, self._observer)
        self._decided: Mapping[str, Decision] = {}
        self._decisions = DecisionLog(folder)
        dealer = Dealer(folder, self._campaign, manifest, self._queue, self._admission)
        asides = before.aside if before else ()
        pool = (self._queue, self._negotiator)
        self._guard = Guard(folder, *pool, self._admission, asides, self._decisions)
        self._enforcer = Enforcer(folder.shares, self._queue, self._negotiator, dealer, self._admission)

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
        now = time.monotonic()
        while len(self._published) > 1 and self._published[1][0] <= now - SETTLE_S:
            self._published.popleft()
        published = [told for _, told in self._published]
        own = [cluster for cluster in clusters if cluster.folder == str(self._folder.root)]
        kept_off = self._guard.look(sites, self._observer, mine, own)
        closed, on_trial = self._guard.closed(time.time()), self._guard.on_trial(time.time())
        seen = self._lookout.see(sites, jobs, others, self._decided, published, closed, on_trial)
        rates = self._rates(seen)
        decisions = decide(sites, self._grid.links, rates, seen, others)
        self._decided = decisions
        flavours = {name: "gpu" if one.running < one.admitted else "cpu" for name, one in decisions.items()}
        slots = self._lookout.slots
        self._enforcer.act(self._grid, own, mine, decisions, flavours, others, slots, self._observer, kept_off)
        # Only now: the time in which jobs read their shares begins when they were told.
        told = {name: Published(one.planned, one.target_mbps) for name, one in decisions.items()}
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

    def _rates(self, seen: Mapping[str, SiteSeen]) -> dict[str, JobRate]:
        """Return Mb/s per job by site, corrected."""
        now = time.time()
        rates = {}
        for name, site in self._grid.sites.items():
            here = self._observer.tallies.get(name, Tally())
            everywhere = self._of_wire_format(site.wire_format)
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

    def _of_wire_format(self, wire_format: WireFormat) -> Tally:
        """Return the reports of all sites whose jobs send as much as a site's that has none of its own."""
        alike = [name for name, site in self._grid.sites.items() if site.wire_format == wire_format]
        return sum((self._observer.tallies.get(name, Tally()) for name in alike), Tally())

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
        core = self._observer.core_patches_per_s
        return ThrottleState(at=time.time(), core_patches_per_s=core, sites=sites, aside=self._guard.asides)
