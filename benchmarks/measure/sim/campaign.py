"""One campaign on the simulated grid: throttled by us, by a fixed number of jobs, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from measure.sim.fleet import STEP_S, STEPS_PER_S, Fleet
from measure.sim.gpu import EVENT_PATCHES, T4
from measure.sim.grid import EVENT_MB
from measure.sim.keeper import EVERY_S, Keeper

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.heartbeat import Heartbeat
    from measure.sim.grid import Change, Grid

__all__ = ["CASES", "Case", "Trace", "simulate"]

Case = Literal["no throttle", "fixed jobs", "ours"]
CASES: tuple[Case, ...] = ("no throttle", "fixed jobs", "ours")

EDIT_S = 30
"""A changed budget must be in force after so long; until then the old one counts too."""

VISIBLE_AFTER_S = (1, 4)
"""From an edit of the jobs' ads until a job that asks is told the new share, at the first site and at the last: the
queue takes one edit after another, so some jobs may send more before others know that they must send less."""

JOBS_PER_SLOT_HOUR = 4
"""The campaign has more jobs than can run in the time."""


@dataclass(frozen=True)
class Trace:
    """What one simulated campaign did.

    Attributes:
        case: how it was throttled.
        seconds: simulated.
        links: names of the sites, then of the shared links.
        mbps: (links, seconds): mean of each second.
        worst_mbps: (links, seconds): the fullest second that ends in this one, by quarters of a second.
        budget_mbps: (links, seconds): what was allowed, by the config in force.
        running: (sites, seconds).
        admitted: (sites, seconds); -1 where nobody decides.
        paced: (seconds,): part of the running jobs' time that the pacer held them back.
        jobs_done, events_done: in all.
        corrections: of each site at the end.
        said: what bound each site by the last decision.

    """

    case: Case
    seconds: int
    links: tuple[str, ...]
    mbps: NDArray[np.float64]
    worst_mbps: NDArray[np.float64]
    budget_mbps: NDArray[np.float64]
    running: NDArray[np.int_]
    admitted: NDArray[np.int_]
    paced: float
    jobs_done: int
    events_done: int
    corrections: tuple[float, ...]
    said: tuple[str, ...]

    @property
    def allowed_mbps(self) -> NDArray[np.float64]:
        """Return the budgets (links, seconds) with the time that an edit may take to be in force."""
        return np.stack([self.budget_mbps[:, max(0, s - EDIT_S) : s + 1].max(axis=1) for s in range(self.seconds)], 1)


def simulate(grid: Grid, case: Case, hours: float, seed: int) -> Trace:
    """Run a campaign."""
    return _Run(grid, case, round(hours * 3600), seed).run()


class _Run:
    def __init__(self, grid: Grid, case: Case, seconds: int, seed: int) -> None:
        self._grid, self._case, self._seconds = grid, case, seconds
        slots = {name: farm.slots for name, farm in grid.farms.items()}
        self._fleet = Fleet(grid, round(sum(slots.values()) * (1 + JOBS_PER_SLOT_HOUR * seconds / 3600)), seed)
        self._names = self._fleet.names
        self._keeper = Keeper(grid.sites, grid.links, slots)
        self._users = {
            link: np.array([i for i, name in enumerate(self._names) if link in grid.sites[name].shared_links])
            for link in grid.links.shared_links
        }
        self._caps = self._physical()
        n_links = len(self._names) + len(self._users)
        self._quarters = np.zeros((n_links, seconds * STEPS_PER_S))
        self._budgets = np.zeros((n_links, seconds))
        self._running = np.zeros((len(self._names), seconds), int)
        self._admitted = np.full((len(self._names), seconds), -1)
        self._paced_s = self._window_s = 0.0
        self._published = np.full(len(self._names), 0.0 if case == "ours" else np.inf)
        self._visible = self._published.copy()
        self._visible_after_s = np.linspace(*VISIBLE_AFTER_S, len(self._names)).round().astype(int)
        self._room = self._fixed_jobs()
        self._started = np.zeros(len(self._names), int)

    def run(self) -> Trace:
        changes = sorted(self._grid.changes, key=lambda change: change.at)
        beats: dict[str, list[Heartbeat]] = {}
        for second in range(self._seconds):
            while changes and changes[0].at * self._seconds <= second:
                self._change(changes.pop(0))
            for site, beat in self._fleet.beats(second).items():
                self._paced_s += beat.paced_s
                self._window_s += beat.window_s
                beats.setdefault(self._names[site], []).append(beat)
            if self._case == "ours":
                if second % EVERY_S == 0:
                    self._decide(second, beats)
                    beats = {}
                told = self._visible_after_s == second % EVERY_S
                self._visible[told] = self._published[told]
            first = second * STEPS_PER_S
            self._started += self._fleet.start(self._room, self._visible, second)
            self._fleet.read_shares(self._visible, second)
            self._fleet.prepare()
            for step in range(first, first + STEPS_PER_S):
                self._quarters[:, step] = self._per_link(self._fleet.send(step, self._caps)) * 8
            self._fleet.end_jobs()
            self._note(second)
        return self._trace()

    def _decide(self, second: int, beats: dict[str, list[Heartbeat]]) -> None:
        running = dict(zip(self._names, self._fleet.running_by_site().tolist(), strict=True))
        started = dict(zip(self._names, self._started.tolist(), strict=True))
        decisions = self._keeper.decide(float(second), running, started, beats, self._fleet.jobs_left)
        self._started[:] = 0
        self._room = np.array([decisions[name].room for name in self._names])
        self._published = np.array([decisions[name].share_mbps for name in self._names])

    def _change(self, change: Change) -> None:
        site = self._names.index(change.site)
        if change.what == "speed":
            self._fleet.change_speed(site, change.factor)
        elif change.what == "size":
            self._fleet.change_size(site, change.factor)
        else:
            share = self._grid.sites[change.site].campaign_share * change.factor
            edited = self._keeper.sites[change.site].model_copy(update={"campaign_share": share})
            self._keeper.sites[change.site] = edited

    def _fixed_jobs(self) -> NDArray[np.int_]:
        """Return the jobs that may run where a person has said it: all, or those that fit at half the Mb/s."""
        farms = self._grid.farms
        if self._case == "no throttle":
            return np.array([farms[name].slots for name in self._names])
        if self._case == "ours":
            return np.zeros(len(self._names), int)
        return np.array([int(self._grid.sites[name].budget_mbps / (farms[name].mbps / 2)) for name in self._names])

    def _physical(self) -> tuple[NDArray[np.float64], list[tuple[NDArray[np.int_], float]], float]:
        """Return what can pass in one step, MB; a busy GPU's batches are as large as they may be."""
        mb = STEP_S / 8
        uplinks = np.array([self._grid.sites[name].uplink_mbps for name in self._names]) * mb
        shared = [(users, self._grid.links.shared_links[link].rate_mbps * mb) for link, users in self._users.items()]
        gpus = sum(pool.gpus for pool in self._grid.links.gpu_pools.values())
        events = gpus * T4.patches_per_s(T4.most_patches) / EVENT_PATCHES * STEP_S
        return uplinks, shared, events * EVENT_MB

    def _per_link(self, sites: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([sites, [sites[users].sum() for users in self._users.values()]])

    def _note(self, second: int) -> None:
        sites = self._keeper.sites
        self._budgets[:, second] = [sites[name].budget_mbps for name in self._names] + [
            self._grid.links.shared_links[link].budget_mbps for link in self._users
        ]
        self._running[:, second] = self._fleet.running_by_site()
        if self._keeper.decisions:
            self._admitted[:, second] = [self._keeper.decisions[name].admitted for name in self._names]

    def _trace(self) -> Trace:
        # Every second that ends at a quarter, and for each clock second the fullest of those.
        padded = np.pad(self._quarters, ((0, 0), (STEPS_PER_S - 1, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, STEPS_PER_S, axis=1).sum(axis=2)
        by_second = (len(windows), self._seconds, STEPS_PER_S)
        decisions = self._keeper.decisions
        return Trace(
            case=self._case,
            seconds=self._seconds,
            links=(*self._names, *self._users),
            mbps=self._quarters.reshape(by_second).sum(axis=2),
            worst_mbps=windows.reshape(by_second).max(axis=2),
            budget_mbps=self._budgets,
            running=self._running,
            admitted=self._admitted,
            paced=self._paced_s / self._window_s if self._window_s else 0.0,
            jobs_done=int(self._fleet.jobs_done.sum()),
            events_done=int(self._fleet.events_done.sum()),
            corrections=tuple(self._keeper.correction(name) for name in self._names),
            said=tuple(decisions[name].binds if decisions else "" for name in self._names),
        )
