"""Our hit finder: every local maximum above a threshold is a hit, in generated events as in imported frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.event import Hits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.reco.event import Wires

__all__ = ["HIT_THRESHOLD", "find_hits"]

HIT_THRESHOLD = 500.0
"""Electrons per tick that a peak must exceed."""

_FLOOR = 0.2
"""A hit ends where the waveform falls to this fraction of the threshold."""


def find_hits(wires: Wires, threshold: float = HIT_THRESHOLD) -> Hits:
    """Find the hits in the regions of interest, sorted by channel and tick like the regions.

    A peak is a sample above the threshold, at least as high as the one before it and higher than the one after it;
    outside of a region the waveform is zero. Two peaks are parted at the first of the lowest samples between them.
    The peak's position is the vertex of the parabola through its three samples; width and integral are those of the
    samples in the hit's range, without a fit.

    Args:
        wires: regions of interest; samples in electrons per tick, all finite.
        threshold: electrons per tick.

    """
    n = len(wires.samples)
    # A zero before, between and after the regions, so that every sample has neighbours.
    samples = np.zeros(n + len(wires.channel) + 1, np.float32)
    region = np.repeat(np.arange(len(wires.channel)), wires.n_ticks)
    samples[np.arange(n) + region + 1] = wires.samples
    begins = np.cumsum(wires.n_ticks, dtype=np.int64) - wires.n_ticks + np.arange(len(wires.channel)) + 1

    middle = samples[1:-1]
    peaks = np.flatnonzero((middle > threshold) & (middle >= samples[:-2]) & (middle > samples[2:])) + 1
    if len(peaks) == 0:
        return _no_hits()
    start, end = _ranges(samples, peaks, threshold * _FLOOR)
    owner = np.searchsorted(begins, peaks, side="right") - 1
    offset = wires.start_tick[owner] - begins[owner]

    charge, position, spread = _moments(samples, start, end)
    before, at, after = (samples[peaks + shift].astype(np.float64) for shift in (-1, 0, 1))
    vertex = 0.5 * (before - after) / (before - 2 * at + after)
    return Hits(
        channel=wires.channel[owner],
        start_tick=(start + offset).astype(np.int32),
        end_tick=(end + offset).astype(np.int32),
        peak_tick=(peaks + offset + vertex).astype(np.float32),
        rms_ticks=np.sqrt(np.maximum(spread - position**2, 0)).astype(np.float32),
        peak_amplitude=samples[peaks],
        integral=charge.astype(np.float32),
    )


def _no_hits() -> Hits:
    empty_int, empty_float = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Hits(empty_int, empty_int, empty_int, empty_float, empty_float, empty_float, empty_float)


def _ranges(
    samples: NDArray[np.float32], peaks: NDArray[np.int64], floor: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and one past the last sample of each peak's range."""
    low = np.flatnonzero(samples <= floor)
    place = np.searchsorted(low, peaks)
    start, end = low[place - 1] + 1, low[place]
    if len(peaks) > 1:
        valley = _valleys(samples, peaks)
        start[1:] = np.maximum(start[1:], valley)
        end[:-1] = np.minimum(end[:-1], valley)
    return start, end


def _valleys(samples: NDArray[np.float32], peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of the first lowest sample between each peak and the next."""
    stretch = samples[peaks[0] : peaks[-1]]
    bounds = peaks[:-1] - peaks[0]
    lowest = np.minimum.reduceat(stretch, bounds)
    candidates = np.flatnonzero(stretch == np.repeat(lowest, np.diff(peaks)))
    valleys: NDArray[np.int64] = candidates[np.searchsorted(candidates, bounds)] + peaks[0]
    return valleys


def _moments(
    samples: NDArray[np.float32], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return sum, mean position and mean squared position (from the range's start) of each range of samples."""
    length = end - start
    begins = np.cumsum(length) - length
    within = np.arange(int(length.sum())) - np.repeat(begins, length)
    values = samples[within + np.repeat(start, length)].astype(np.float64)
    total = np.add.reduceat(values, begins)
    values *= within
    first = np.add.reduceat(values, begins)
    values *= within
    return total, first / total, np.add.reduceat(values, begins) / total
