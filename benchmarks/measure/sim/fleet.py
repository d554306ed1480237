"""All slots of the grid at once, as arrays: jobs that prepare events, send them inside their share, and report.

A job is what `jobs.payload` makes it: a thread prepares events, one of which waits ready and one in the thread's
hands, while another is sent; the pacer lets at most the share through in any second, and at most `CATCH_UP` times
the share at a moment; requests are whole, so that a client reaches `PACED` of it; shares are read again every
`READ_AGAIN_S`, each job in its own rhythm; heartbeats tell the sums since the last one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from jobs.heartbeat import Heartbeat
from measure.sim.gpu import EVENT_PATCHES
from measure.sim.grid import EVENT_MB, PREPARE_S
from sonic.pace import CATCH_UP, WIRE_OVERHEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from measure.sim.grid import Grid

    Floats = NDArray[np.float64]

__all__ = ["STEPS_PER_S", "STEP_S", "Fleet"]

STEPS_PER_S = 4
STEP_S = 1 / STEPS_PER_S

EVENTS_PER_JOB = 30
"""About an hour on the paper's CPU."""
STARTUP_S = (5.0, 40.0)
"""From the start of a job until it prepares its first event: transfer, interpreter, libraries."""

SIZE_SPREAD, TIME_SPREAD, NODE_SPREAD = 0.3, 0.2, 0.15
"""Standard deviations of the logarithm: of an event's hits, of its CPU time beside them, of the nodes of a site."""

CLIENT_MBPS = 2000.0
"""Most that one client sends, left alone: the paper's 2.05 s for an event."""

PACED = 0.975
"""Part of its share that a client with whole requests reaches: sonic.pace."""

READ_AGAIN_S = 5
FIRST_BEAT_S, BEAT_S = 10, 60

_SUMS = ("window_s", "events", "mb", "prepared_mb", "prepare_s", "send_s", "paced_s", "share_s")


class Fleet:
    """The slots.

    Args:
        grid: with sites and farms.
        jobs: of the campaign.
        seed: of everything that is drawn.

    """

    def __init__(self, grid: Grid, jobs: int, seed: int) -> None:
        self.names = list(grid.sites)
        self._random = np.random.default_rng(seed)
        slots = [grid.farms[name].slots for name in self.names]
        self.site = np.repeat(np.arange(len(slots)), slots)
        self._first = np.concatenate([[0], np.cumsum(slots)[:-1]])
        n = len(self.site)
        speed = np.repeat([grid.farms[name].speed for name in self.names], slots)
        self._prepare_s = PREPARE_S / speed * self._log(NODE_SPREAD, n)
        self._site_factor = np.ones(len(slots))
        self._size_factor = np.ones(len(slots))
        self.jobs_left = jobs
        self.jobs_done = np.zeros(len(slots), int)
        self.events_done = np.zeros(len(slots), int)
        self.running = np.zeros(n, bool)
        self._startup_s = np.zeros(n)
        self._to_prepare = np.zeros(n, int)
        self._prepare_left_s = np.zeros(n)
        self._in_hand_mb, self._ready_mb, self._waiting_mb = np.zeros(n), np.zeros(n), np.zeros(n)
        self._sending_mb = np.zeros(n)
        self.share_mbps = np.zeros(n)
        self._recent_mb = np.zeros((STEPS_PER_S, n))
        self._rhythm = self._random.integers(0, READ_AGAIN_S, n)
        self._beat_at = np.zeros(n, int)
        self._sums = dict(zip(_SUMS, np.zeros((len(_SUMS), n)), strict=True))

    def change_speed(self, site: int, factor: float) -> None:
        """Let the site's jobs prepare events so many times faster, each from its next event on."""
        self._site_factor[site] /= factor

    def change_size(self, site: int, factor: float) -> None:
        """Let the site's events be so many times larger."""
        self._size_factor[site] *= factor

    def running_by_site(self) -> NDArray[np.int_]:
        """Return how many jobs run at each site."""
        return np.bincount(self.site[self.running], minlength=len(self.names))

    def start(self, room: NDArray[np.int_], published: Floats, second: int) -> NDArray[np.int_]:
        """Start jobs in free slots until as many run as there is room for; return how many started, by site."""
        want = np.maximum(0, room - self.running_by_site())
        started = np.zeros(len(self.names), int)
        # A site that comes first must not take the last jobs of a campaign each time.
        for site in self._random.permutation(np.flatnonzero(want)):
            free = np.flatnonzero((self.site == site) & ~self.running)
            slots = free[: min(want[site], self.jobs_left)]
            self._begin(slots, second)
            self.share_mbps[slots] = published[site]
            started[site] = len(slots)
            self.jobs_left -= len(slots)
        return started

    def read_shares(self, published: Floats, second: int) -> None:
        """Let the jobs whose turn it is read what their ads say."""
        turn = self.running & ((second + self._rhythm) % READ_AGAIN_S == 0)
        self.share_mbps[turn] = published[self.site[turn]]

    def prepare(self) -> None:
        """Let the jobs start up and prepare events for a second."""
        self._startup_s -= 1
        up = self.running & (self._startup_s <= 0)
        self._sums["window_s"] += up
        self._sums["share_s"][up] += self.share_mbps[up]
        busy = up & (self._to_prepare > 0) & (self._in_hand_mb <= 0)
        self._prepare_left_s -= busy
        self._sums["prepare_s"] += busy
        done = np.flatnonzero(busy & (self._prepare_left_s <= 0))
        if len(done):
            self._in_hand_mb[done] = self._waiting_mb[done]
            self._sums["prepared_mb"][done] += self._waiting_mb[done]
            self._to_prepare[done] -= 1
            self._draw(done)

    def send(self, step: int, caps_mb: tuple[Floats, list[tuple[NDArray[np.int_], float]], float]) -> Floats:
        """Let the jobs send for one step; return the MB that each site sent.

        Args:
            step: its number.
            caps_mb: most that can pass in a step: each site's uplink; for each shared link its sites and its rate;
                the GPUs.

        """
        self._move_up()
        now = step % STEPS_PER_S
        has = self._sending_mb > 0
        second_mb = self.share_mbps * (PACED / 8)
        self._recent_mb[now] = 0
        allowed = np.minimum(CATCH_UP * STEP_S * second_mb, second_mb - self._recent_mb.sum(axis=0))
        alone = np.minimum(self._sending_mb, CLIENT_MBPS / 8 * STEP_S)
        sent = np.minimum(alone, np.maximum(allowed, 0, out=allowed), out=self._recent_mb[now])
        self._sums["send_s"] += has * STEP_S
        self._sums["paced_s"] += (has & (allowed < alone)) * STEP_S
        site_mb = np.add.reduceat(sent, self._first)
        part = _squeeze(site_mb, caps_mb)
        if (part < 1).any():
            sent *= part[self.site]
            site_mb *= part
        self._sums["mb"] += sent
        self._sending_mb -= sent
        ended = np.flatnonzero(has & (self._sending_mb <= 1e-9))
        if len(ended):
            self._sending_mb[ended] = 0
            self._sums["events"][ended] += 1
            self.events_done += np.bincount(self.site[ended], minlength=len(self.names))
        return site_mb

    def end_jobs(self) -> None:
        """End the jobs whose last event is sent."""
        queue = self._sending_mb + self._ready_mb + self._in_hand_mb
        over = np.flatnonzero(self.running & (self._to_prepare == 0) & (queue <= 0))
        if len(over):
            self.running[over] = False
            self.jobs_done += np.bincount(self.site[over], minlength=len(self.names))
            # The last heartbeat comes at once.
            self._beat_at[over] = 0

    def beats(self, second: int) -> dict[int, Heartbeat]:
        """Return what the heartbeats that are due tell, summed over the jobs of each site."""
        due = (self._beat_at <= second) & (self._sums["window_s"] > 0)
        if not due.any():
            return {}
        self._beat_at[due] = second + BEAT_S
        sites = self.site[due]
        sums = {name: np.bincount(sites, values[due], minlength=len(self.names)) for name, values in self._sums.items()}
        for values in self._sums.values():
            values[due] = 0
        return {int(site): _beat(self.names[site], {k: float(v[site]) for k, v in sums.items()}) for site in set(sites)}

    def _log(self, spread: float, n: int) -> Floats:
        return self._random.lognormal(-(spread**2) / 2, spread, n)

    def _begin(self, slots: NDArray[np.int_], second: int) -> None:
        self.running[slots] = True
        self._startup_s[slots] = self._random.uniform(*STARTUP_S, len(slots))
        self._to_prepare[slots] = EVENTS_PER_JOB
        self._recent_mb[:, slots] = 0
        self._beat_at[slots] = second + (self._startup_s[slots] + FIRST_BEAT_S).astype(int)
        self._draw(slots)

    def _draw(self, slots: NDArray[np.int_]) -> None:
        size = self._log(SIZE_SPREAD, len(slots))
        site = self.site[slots]
        self._waiting_mb[slots] = EVENT_MB * size * self._size_factor[site]
        # Half of the work goes with the hits, half with the event.
        time = (0.5 + 0.5 * size) * self._log(TIME_SPREAD, len(slots))
        self._prepare_left_s[slots] = self._prepare_s[slots] * time * self._site_factor[site]

    def _move_up(self) -> None:
        """Let events move from the preparing thread's hands to where one waits ready, and from there to be sent."""
        for into, out_of in ((self._ready_mb, self._in_hand_mb), (self._sending_mb, self._ready_mb)):
            to = np.flatnonzero((into <= 0) & (out_of > 0))
            into[to] = out_of[to]
            out_of[to] = 0


def _squeeze(site_mb: Floats, caps_mb: tuple[Floats, list[tuple[NDArray[np.int_], float]], float]) -> Floats:
    """Return the part of each site's bytes that links and GPUs let through."""
    uplinks, shared, gpus = caps_mb
    part = np.minimum(1.0, uplinks / np.maximum(site_mb, 1e-12))
    for users, cap in shared:
        total = float((site_mb * part)[users].sum())
        if total > cap:
            part[users] *= cap / total
    total = float((site_mb * part).sum())
    return part * (gpus / total) if total > gpus else part


def _beat(site: str, sums: dict[str, float]) -> Heartbeat:
    share_mbps = sums["share_s"] / sums["window_s"]
    return Heartbeat(
        job=0,
        attempt=0,
        site=site,
        flavour="gpu",
        window_s=sums["window_s"],
        events=round(sums["events"]),
        hits=0,
        bytes_sent=round(sums["mb"] * 1e6 / WIRE_OVERHEAD),
        requests=0,
        retries=0,
        paced_s=sums["paced_s"],
        latency_s=0.0,
        prepare_s=sums["prepare_s"],
        inference_s=sums["send_s"],
        write_s=0.0,
        share_mbps=share_mbps if math.isfinite(share_mbps) else None,
        total_events=0,
        total_bytes_sent=0,
        prepared_hits=round(sums["prepared_mb"] / EVENT_MB * EVENT_PATCHES),
    )
