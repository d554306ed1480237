"""Charge in the liquid argon, and how particles leave it there: what tracks and showers have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MIP_MEV_PER_MM", "RADIATION_LENGTH_MM", "STEP_MM", "Deposits", "Walk", "electrons", "steps_of", "walk"]

STEP_MM = 1.5
"""Distance between two deposits: a third of the wire pitch, and less than the waveform's width along the drift."""

RADIATION_LENGTH_MM = 140.0
MIP_MEV_PER_MM = 0.21
"""Mean loss of a minimum ionising particle in liquid argon."""

_MEV_PER_ELECTRON = 23.6e-6


@dataclass(frozen=True, eq=False)
class Deposits:
    """Charge in the volume.

    Attributes:
        position: float64 (n, 3), mm.
        t0_tick: float64 (n,), ticks after the trigger.
        charge: float64 (n,), electrons that escape recombination.
        label: int8 (n,), index into sonic.network.EM_TRK_NONE_LABELS.
        michel: bool (n,).

    """

    position: NDArray[np.float64]
    t0_tick: NDArray[np.float64]
    charge: NDArray[np.float64]
    label: NDArray[np.int8]
    michel: NDArray[np.bool_]

    @staticmethod
    def joined(parts: Sequence[Deposits]) -> Deposits:
        """Return all parts one after the other."""
        return Deposits(
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.t0_tick for part in parts]),
            np.concatenate([part.charge for part in parts]),
            np.concatenate([part.label for part in parts]),
            np.concatenate([part.michel for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Walk:
    """The ways of several particles, cut into steps of `STEP_MM`.

    Attributes:
        owner: int64 (n_steps,), number of the particle.
        position, direction: float64 (n_steps, 3), after each step.
        last: int64 (n_particles,), each particle's last step.

    """

    owner: NDArray[np.int64]
    position: NDArray[np.float64]
    direction: NDArray[np.float64]
    last: NDArray[np.int64]


def steps_of(length_mm: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cut lengths into steps; every particle gets at least one.

    Returns:
        The particle of each step, and the way from the step's end to the particle's end in mm.

    """
    count = np.maximum(np.rint(length_mm / STEP_MM).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return owner, (count[owner] - 1 - number) * STEP_MM


def walk(
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    owner: NDArray[np.int64],
    kick: NDArray[np.float64],
    rng: np.random.Generator,
) -> Walk:
    """Let particles go, scattered a little at every step.

    Args:
        start: (n_particles, 3), mm.
        direction: (n_particles, 3), unit vectors.
        owner: (n_steps,) as `steps_of` returns it.
        kick: (n_steps,), standard deviation of the scattering angle per step in a plane, radians.
        rng: for the scattering.

    """
    particles = np.arange(len(start))
    first = np.searchsorted(owner, particles)
    turned = direction[owner] + _sum_from(rng.standard_normal((len(owner), 3)) * kick[:, None], first, owner)
    turned /= np.sqrt(np.einsum("ij,ij->i", turned, turned))[:, None]
    position = start[owner] + STEP_MM * _sum_from(turned, first, owner)
    return Walk(owner, position, turned, np.searchsorted(owner, particles, side="right") - 1)


def _sum_from(values: NDArray[np.float64], first: NDArray[np.int64], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Cumulative sums that begin anew with every owner."""
    total = np.cumsum(values, axis=0)
    before = total[first] - values[first]
    total -= before[owner]
    return total


def electrons(mev_per_mm: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the electrons of one step: fluctuating loss, less recombination.

    The loss fluctuates as Moyal's approximation of Landau's distribution; recombination is Birks' law with ICARUS'
    constants at 500 V/cm (NIM A 523 (2004) 275).
    """
    moyal = -np.log(rng.standard_normal(len(mev_per_mm)) ** 2 + 1e-6)
    loss = mev_per_mm * (0.8 + 0.157 * np.minimum(moyal, 12))
    survived = 0.8 / (1 + 0.0696 * 10 * loss)
    return np.maximum(loss * survived * STEP_MM / _MEV_PER_ELECTRON, 0)
