"""The campaign over time: what ended, what ran and what was sent, in bins that a plot can show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitoring.numbers import Flow, Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitoring.attempts import Attempts

__all__ = ["timeline"]

_MOST_BINS = 60
_WIDTHS_S = (2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 604800)


def timeline(attempts: Attempts, counted: Attempts) -> Timeline | None:
    """Bin a campaign's time.

    Args:
        attempts: every attempt: all of them load pool and network.
        counted: one successful attempt per job: only these are progress.

    Returns:
        None without any attempt.

    """
    if not len(attempts):
        return None
    first, last = float(attempts.started.min()), float(attempts.ended.max())
    width = next((w for w in _WIDTHS_S if (last - first) / w <= _MOST_BINS), (last - first) / _MOST_BINS)
    start = np.floor(first / width) * width
    edges = start + width * np.arange(int((last - start) // width) + 2)
    per_minute = 60.0 / width
    flavours = tuple(reversed(attempts.flavour.present()))
    sends = attempts.where(attempts.bytes_sent > 0)
    jobs, events, running = [], [], []
    for flavour in flavours:
        ended = counted.where(counted.flavour.equals(flavour))
        jobs.append(_flow(flavour, np.histogram(ended.ended, edges)[0] * per_minute))
        events.append(_flow(flavour, np.histogram(ended.ended, edges, weights=ended.events)[0] * per_minute))
        active = attempts.where(attempts.flavour.equals(flavour))
        running.append(_flow(flavour, _spread_evenly(active, active.wall_s, edges) / width))
    mbps = []
    for site in sends.site.present():
        there = sends.where(sends.site.equals(site))
        megabits = np.asarray(8e-6 * there.bytes_sent, dtype=np.float64)
        mbps.append(_flow(site, _spread_evenly(there, megabits, edges) / width))
    remote = counted.where(counted.bytes_sent > 0)
    sent = np.histogram(remote.ended, edges, weights=remote.bytes_sent)[0]
    ended_events = np.histogram(remote.ended, edges, weights=remote.events)[0]
    per_event = tuple(float(s / n) if n else None for s, n in zip(sent, ended_events, strict=True))
    return Timeline(
        start=float(start),
        bin_s=float(width),
        jobs_per_minute=tuple(jobs),
        events_per_minute=tuple(events),
        jobs_running=tuple(running),
        sent_mbps=tuple(mbps),
        sent_bytes_per_event=Flow(name="gpu", values=per_event),
    )


def _spread_evenly(attempts: Attempts, amounts: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of each attempt's amount falls into each bin, summed, if it came evenly over its time."""
    length = np.maximum(attempts.wall_s, 1e-9)
    by_edge = [float((amounts * np.clip((edge - attempts.started) / length, 0.0, 1.0)).sum()) for edge in edges]
    return np.diff(np.array(by_edge))


def _flow(name: str, values: NDArray[np.float64]) -> Flow:
    return Flow(name=name, values=tuple(float(value) for value in values))
