"""From charge at the wires to regions of interest, and from hits back to what made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.event import Truth, Wires

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.reco.event import Hits

__all__ = ["Charge", "label_hits", "make_waveforms"]

_PAD = 16
"""Ticks around the charge that belong to the region: five standard deviations of the narrowest pulse."""

_SHAPE_TICKS = 2.6
"""Width of the pulse that electronics and signal processing leave of a point; with diffusion 2.6 to 3.4 ticks."""

_DIFFUSION_TICKS2_PER_MM = 4.4 / 3600
"""Longitudinal diffusion of 6.2 cm2/s: 2.1 ticks after 3.6 m."""

_SIGMA_CLASSES = 3
_NONE_LABEL = 2


@dataclass(frozen=True, eq=False)
class Charge:
    """Charge that arrives at the wires.

    Attributes:
        channel: int64 (n,).
        tick: int64 (n,), inside of the readout or within a pulse's width of it.
        charge: float64 (n,), electrons.
        drift_mm: float64 (n,).
        label: int8 (n,), index into sonic.network.EM_TRK_NONE_LABELS.
        michel: bool (n,).

    """

    channel: NDArray[np.int64]
    tick: NDArray[np.int64]
    charge: NDArray[np.float64]
    drift_mm: NDArray[np.float64]
    label: NDArray[np.int8]
    michel: NDArray[np.bool_]


def make_waveforms(charge: Charge, n_ticks: int, noise: float, rng: np.random.Generator) -> Wires:
    """Shape charge into waveforms with noise, in regions around it.

    Noise has the spectrum of the pulse; samples are whole electrons and never negative, as signal processing leaves
    them.

    Args:
        charge: what arrives.
        n_ticks: length of the readout.
        noise: standard deviation of the noise, electrons per tick.
        rng: random numbers.

    """
    stride = n_ticks + 4 * _PAD
    key = charge.channel * stride + charge.tick + 2 * _PAD
    if len(key) == 0:
        nothing = np.zeros(0, np.int32)
        return Wires(nothing, nothing, nothing, np.zeros(0, np.float32))
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-stride) > 2 * _PAD)
    start = key[first] - _PAD
    end = key[np.append(first[1:], len(key)) - 1] + _PAD + 1
    length = end - start
    begins = np.cumsum(length) - length
    total = int(length.sum())
    region = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(key))))
    place = key - start[region] + begins[region]

    samples = _shaped(place, charge.charge[order], charge.drift_mm[order], total, noise, rng)
    return _within_readout(start // stride, start % stride - 2 * _PAD, length, samples, n_ticks)


def _shaped(
    place: NDArray[np.int64],
    charge: NDArray[np.float64],
    drift_mm: NDArray[np.float64],
    total: int,
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the waveforms of all regions as one array; its length is `total`."""
    furthest = 3600.0
    kind = np.minimum((drift_mm / furthest * _SIGMA_CLASSES).astype(np.int64), _SIGMA_CLASSES - 1)
    samples = np.zeros(total)
    for number in range(_SIGMA_CLASSES):
        drift = (number + 0.5) / _SIGMA_CLASSES * furthest
        kernel = _kernel(np.sqrt(_SHAPE_TICKS**2 + _DIFFUSION_TICKS2_PER_MM * drift))
        chosen = kind == number
        arrived = np.bincount(place[chosen], weights=charge[chosen], minlength=total)
        if number == 0:
            # Not in place: of an empty array of weights bincount makes integers.
            arrived = arrived + rng.standard_normal(total, np.float32) * (noise / np.sqrt(np.sum(kernel**2)))
        samples += np.convolve(arrived, kernel, mode="same")
    np.rint(samples, out=samples)
    return np.maximum(samples, 0).astype(np.float32)


def _kernel(sigma: float) -> NDArray[np.float64]:
    ticks = np.arange(-_PAD, _PAD + 1)
    kernel: NDArray[np.float64] = np.exp(-0.5 * (ticks / sigma) ** 2)
    kernel /= kernel.sum()
    return kernel


def _within_readout(
    channel: NDArray[np.int64],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    samples: NDArray[np.float32],
    n_ticks: int,
) -> Wires:
    """Cut regions at the ends of the readout."""
    kept_start = np.maximum(start, 0)
    kept_length = np.maximum(np.minimum(start + length, n_ticks) - kept_start, 0)
    alive = kept_length > 0
    cut = np.flatnonzero(kept_length != length)
    if len(cut):
        begins = np.cumsum(length) - length
        inside = np.ones(len(samples), np.bool_)
        for region in cut:
            low = begins[region] + kept_start[region] - start[region]
            inside[begins[region] : begins[region] + length[region]] = False
            inside[low : low + kept_length[region]] = True
        samples = samples[inside]
    return Wires(
        channel[alive].astype(np.int32),
        kept_start[alive].astype(np.int32),
        kept_length[alive].astype(np.int32),
        samples,
    )


def label_hits(hits: Hits, charge: Charge, n_ticks: int) -> Truth:
    """Return what made each hit: the label with the most charge in the hit's range, none where no charge arrived."""
    stride = n_ticks + 4 * _PAD
    key = charge.channel * stride + charge.tick + 2 * _PAD
    order = np.argsort(key)
    first, last = (
        np.searchsorted(key[order], hits.channel.astype(np.int64) * stride + edge + 2 * _PAD)
        for edge in (hits.start_tick, hits.end_tick)
    )
    amount, label = charge.charge[order], charge.label[order]
    of_label = np.stack([_between(amount * (label == number), first, last) for number in range(3)])
    of_michel = _between(amount * charge.michel[order], first, last)
    winner = np.where(last > first, np.argmax(of_label, axis=0), _NONE_LABEL).astype(np.int8)
    return Truth(label=winner, michel=(winner == 1) & (2 * of_michel > of_label[1]))


def _between(amount: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(amount)])
    between: NDArray[np.float64] = total[last] - total[first]
    return between
