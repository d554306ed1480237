"""The paper's curve: how long a full event takes when N clients share the GPUs, and where it bends.

A discrete-event simulation of clients that work as the paper's did, one thing after the other, and of one real queue
in front of the GPUs. Nothing here knows at how many clients the curve should bend.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from measure.errors import BenchmarkFailed
from measure.sim.gpu import EVENT_PATCHES, LARGE_REQUEST_PATCHES, SMALL_REQUEST_PATCHES, T4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure.sim.gpu import Gpu

__all__ = ["SETUPS", "Curve", "Knee", "Setup", "find_knee", "simulate_setup", "time_per_event"]

T_CPU_S = 330.0
"""Full event without GPUs: nuSONIC plot-1c.py."""

ML_PART = 0.65
"""Part of it that the network takes: the same."""

BUILD_S = 8.0
"""Cutting an event's patches, which the paper's client does between two requests: difference of the module's time and
of its inference alone in the data. It is part of the (1 - p) that is left on the CPU."""

TRANSMIT_S = 2.05
"""An event's patches on the client's own link: `t_transmit` of plot-1c.py."""

TRAVEL_S = {SMALL_REQUEST_PATCHES: 2.6, LARGE_REQUEST_PATCHES: 0.38}
"""Round trips of an event's requests, by their size: `t_travel` of plot-1c.py."""

SPREAD = 0.1
"""Standard deviation of the logarithm of an event's CPU time; that of the unloaded points of the data is 5 to 15 %."""

EVENTS, LEFT_OUT = 7, 4
"""Events that each client takes, and how many of them come before the queue is as long as it will be."""

POINTS = 12
"""Points of a curve."""

MOST_PER_GPU = 144
"""Clients per GPU at the end of a curve: the most that the authors had."""

ON_THE_RISE = 1.4
"""An event that takes so many times longer than alone is on the straight part of the rise."""


@dataclass(frozen=True)
class Setup:
    """One series of the authors' measurements.

    Attributes:
        name: in words.
        gpus: behind one queue.
        batching: whether the server merges requests that wait.
        request_patches: patches in a request.
        authors: clients per GPU at the bend, t_ideal / t_gpu of plot-1c.py with the authors' numbers.
        measured: clients, seconds of a full event: the authors' data files.

    """

    name: str
    gpus: int
    batching: bool
    request_patches: int
    authors: float
    measured: tuple[tuple[int, float], ...]


SETUPS = (
    Setup(
        "1 GPU, dynamic batching",
        1,
        batching=True,
        request_patches=SMALL_REQUEST_PATCHES,
        authors=68.9,
        measured=((1, 156.5), (40, 115.8), (64, 130.2), (72, 120.9), (96, 154.4), (144, 204.3)),
    ),
    Setup(
        "4 GPUs, dynamic batching, large requests",
        4,
        batching=True,
        request_patches=LARGE_REQUEST_PATCHES,
        authors=67.6,
        measured=((1, 119.7), (200, 142.2), (268, 129.4), (300, 149.8), (393, 177.6), (400, 177.3)),
    ),
    Setup(
        "4 GPUs, no batching",
        4,
        batching=False,
        request_patches=SMALL_REQUEST_PATCHES,
        authors=44.7,
        measured=((4, 129.7), (189, 128.7), (301, 180.9), (486, 298.0)),
    ),
)


@dataclass(frozen=True)
class Knee:
    """The bend: below `clients` per GPU an event takes `flat_s`, above it `slope_s` more for each further client."""

    clients: float
    flat_s: float
    slope_s: float


@dataclass(frozen=True)
class Curve:
    """A setup's curve as simulated: clients per GPU, seconds of a full event, and where it bends."""

    setup: Setup
    clients: tuple[float, ...]
    seconds: tuple[float, ...]
    knee: Knee

    @property
    def ratio(self) -> float:
        """Simulated bend over the authors'."""
        return self.knee.clients / self.setup.authors


def simulate_setup(setup: Setup, seed: int, gpu: Gpu = T4) -> Curve:
    """Simulate a setup from one client on to as many as the authors ever had, at evenly spaced loads."""
    most = MOST_PER_GPU * setup.gpus
    counts = [max(1, round(part * most)) for part in np.linspace(0, 1, POINTS)]
    seconds = [time_per_event(count, setup, seed + count, gpu) for count in counts]
    per_gpu = [count / setup.gpus for count in counts]
    return Curve(setup, tuple(per_gpu), tuple(seconds), find_knee(per_gpu, seconds))


def find_knee(clients: Sequence[float], seconds: Sequence[float]) -> Knee:
    """Return where the flat part of a curve and the straight line of its rise cross.

    Flat is the mean up to a quarter of the largest load. The rise is fitted where an event takes `ON_THE_RISE` times
    as long: nearer to the bend a curve is round, since batches still grow there.

    Raises:
        BenchmarkFailed: the curve does not rise far enough.

    """
    x, y = np.asarray(clients, float), np.asarray(seconds, float)
    flat = float(y[x <= x.max() / 4].mean())
    risen = y >= ON_THE_RISE * flat
    if risen.sum() < 2:
        message = (
            f"a full event takes at most {y.max() / flat:.2f} times as long as alone: the curve shows no rise to fit"
        )
        raise BenchmarkFailed(message)
    slope, at_zero = np.polyfit(x[risen], y[risen], 1)
    return Knee(float((flat - at_zero) / slope), flat, float(slope))


def time_per_event(clients: int, setup: Setup, seed: int, gpu: Gpu = T4) -> float:
    """Return the mean seconds of a full event with so many clients.

    A client computes, then asks for the patches of the event, request by request, each when the last is answered.
    The GPUs take from one queue: a request each, or with batching all that wait, as far as a batch goes.
    """
    random = np.random.default_rng(seed)
    requests = round(EVENT_PATCHES / setup.request_patches)
    between_s = (BUILD_S + TRANSMIT_S + TRAVEL_S[setup.request_patches]) / requests
    cpu_s = (1 - ML_PART) * T_CPU_S - BUILD_S
    compute_s = cpu_s * random.lognormal(-(SPREAD**2) / 2, SPREAD, (clients, EVENTS))
    began = random.uniform(-cpu_s, 0.0, clients)
    at_once = gpu.most_patches // setup.request_patches if setup.batching else 1
    asked, events = [0] * clients, [0] * clients
    waiting: deque[int] = deque()
    idle, finished = setup.gpus, 0
    taken: list[float] = []
    # An answered batch comes back as a tuple of its clients, a request reaches the queue as a tuple of one.
    agenda: list[tuple[float, int, bool, tuple[int, ...]]] = []
    for client in range(clients):
        heapq.heappush(agenda, (began[client] + compute_s[client, 0] + between_s, client, False, (client,)))
    number = clients
    while agenda:
        now, _, answered, who = heapq.heappop(agenda)
        if answered:
            idle += 1
            for client in who:
                asked[client] += 1
                at = now + between_s
                if asked[client] == requests:
                    if LEFT_OUT <= events[client] < EVENTS:
                        taken.append(now - began[client])
                    asked[client], began[client] = 0, now
                    events[client] += 1
                    # Who is done goes on, so that the others do not find a shorter queue at the end.
                    finished += events[client] == EVENTS
                    if finished == clients:
                        return float(np.mean(taken))
                    at += compute_s[client, events[client] % EVENTS]
                number += 1
                heapq.heappush(agenda, (at, number, False, (client,)))
        else:
            waiting.append(who[0])
        while idle and waiting:
            batch = tuple(waiting.popleft() for _ in range(min(at_once, len(waiting))))
            idle -= 1
            number += 1
            done = now + gpu.seconds(len(batch) * setup.request_patches)
            heapq.heappush(agenda, (done, number, True, batch))
    return float(np.mean(taken))
