"""Tracks: cosmic muons, some of which stop, and short heavily ionising ones from interactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.deposits import MIP_MEV_PER_MM, RADIATION_LENGTH_MM, STEP_MM, Deposits, electrons, steps_of, walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.reco.geometry import Box

__all__ = ["TRACK_LABEL", "Tracks", "chords", "downward", "isotropic", "track"]

TRACK_LABEL = 0

_MUON = (8.0, 0.37, 105.7)
_PROTON = (17.0, 0.42, 938.3)
"""Loss near the end of the range: a * r**-b MeV/cm at r cm from the end (arXiv:1306.1712), and the mass in MeV."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """What tracks left behind.

    Attributes:
        deposits: their charge.
        end: float64 (n_tracks, 3), mm, where each ends.
        direction: float64 (n_tracks, 3), where it was going then.

    """

    deposits: Deposits
    end: NDArray[np.float64]
    direction: NDArray[np.float64]


def track(
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    length_mm: NDArray[np.float64],
    beyond_mm: NDArray[np.float64],
    t0_tick: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    heavy: bool = False,
) -> Tracks:
    """Let tracks go through the argon.

    Args:
        start: (n, 3), mm.
        direction: (n, 3), unit vectors.
        length_mm: (n,), how far each goes.
        beyond_mm: (n,), range that it would have left at its end; 0 for one that stops there.
        t0_tick: (n,), ticks after the trigger.
        rng: random numbers.
        heavy: protons instead of muons.

    """
    scale, power, mass = _PROTON if heavy else _MUON
    owner, to_end = steps_of(length_mm)
    range_cm = np.maximum(to_end + beyond_mm[owner] + 0.5 * STEP_MM, 0.5 * STEP_MM) / 10
    loss = np.maximum(scale * range_cm**-power / 10, MIP_MEV_PER_MM)
    kinetic = np.maximum(scale / (1 - power) * range_cm ** (1 - power), MIP_MEV_PER_MM * 10 * range_cm)
    momentum_beta = kinetic * (kinetic + 2 * mass) / (kinetic + mass)
    way = walk(start, direction, owner, 13.6 / momentum_beta * np.sqrt(STEP_MM / RADIATION_LENGTH_MM), rng)
    deposits = Deposits(
        way.position,
        t0_tick[owner],
        electrons(loss, rng),
        np.full(len(owner), TRACK_LABEL, np.int8),
        np.zeros(len(owner), np.bool_),
    )
    return Tracks(deposits, way.position[way.last], way.direction[way.last])


def isotropic(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return unit vectors (n, 3) in all directions."""
    vectors = rng.standard_normal((n, 3))
    vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return vectors


def downward(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return unit vectors (n, 3) of cosmic rays: number per solid angle as the zenith angle's cosine squared."""
    down = rng.random(n) ** (1 / 3)
    azimuth = rng.uniform(0, 2 * np.pi, n)
    level = np.sqrt(1 - down**2)
    return np.stack([level * np.cos(azimuth), -down, level * np.sin(azimuth)], axis=1)


def chords(
    through: NDArray[np.float64], direction: NDArray[np.float64], box: Box
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where lines through points of the box enter it (n, 3), and their length in it (n,), mm."""
    with np.errstate(divide="ignore"):
        to_low, to_high = (box.low - through) / direction, (box.high - through) / direction
    enter = np.minimum(to_low, to_high).max(axis=1)
    leave = np.maximum(to_low, to_high).min(axis=1)
    return through + enter[:, None] * direction, leave - enter
