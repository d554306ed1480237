"""Electromagnetic showers: electrons and photons that branch, generation by generation, all showers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.deposits import MIP_MEV_PER_MM, RADIATION_LENGTH_MM, STEP_MM, Deposits, electrons, steps_of, walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EM_LABEL", "directions_around", "shower"]

EM_LABEL = 1

_LOWEST_MEV = 0.8
"""A particle below this leaves no more than its parent's last step."""
_PAIR_MEV = 10.0
"""Photons above this make pairs, those below scatter off an electron."""
_GENERATIONS = 60


def shower(
    energy_mev: NDArray[np.float64],
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    t0_tick: NDArray[np.float64],
    michel: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Deposits:
    """Let electrons shower.

    An electron ionises for a random part of a radiation length, then hands a part of its energy (1/k spectrum) to a
    photon; a photon flies 9/7 of a radiation length on average and becomes a pair or, when soft, one electron.

    Args:
        energy_mev: (n,), of the electrons that begin the showers.
        start: (n, 3), mm.
        direction: (n, 3), unit vectors.
        t0_tick: (n,), ticks after the trigger.
        michel: (n,), whether it is a Michel electron, inherited by all that it makes.
        rng: random numbers.

    """
    parts: list[Deposits] = []
    energy, origin = energy_mev, np.arange(len(energy_mev))
    for _ in range(_GENERATIONS):
        if len(energy) == 0:
            break
        length = np.minimum(energy / MIP_MEV_PER_MM, rng.exponential(0.7 * RADIATION_LENGTH_MM, len(energy)))
        owner, to_end = steps_of(length)
        # The electron is slower, and so scattered more, near its end.
        left = (energy - MIP_MEV_PER_MM * length)[owner] + MIP_MEV_PER_MM * to_end
        kick = 13.6 / np.maximum(left, 4.0) * np.sqrt(STEP_MM / RADIATION_LENGTH_MM)
        way = walk(start, direction, owner, kick, rng)
        charge = electrons(np.full(len(owner), MIP_MEV_PER_MM), rng)
        label = np.full(len(owner), EM_LABEL, np.int8)
        parts.append(Deposits(way.position, t0_tick[origin[owner]], charge, label, michel[origin[owner]]))

        remaining = np.maximum(energy - MIP_MEV_PER_MM * length, 0)
        photon = remaining * np.exp(-4 * rng.random(len(energy)))
        start, direction = way.position[way.last], way.direction[way.last]
        pairs = _convert(photon, start, direction, origin, rng)
        keep = remaining - photon > _LOWEST_MEV
        energy = np.concatenate([(remaining - photon)[keep], pairs[0]])
        start = np.concatenate([start[keep], pairs[1]])
        direction = np.concatenate([direction[keep], pairs[2]])
        origin = np.concatenate([origin[keep], pairs[3]])
    if not parts:
        nothing = np.zeros(0)
        return Deposits(np.zeros((0, 3)), nothing, nothing, np.zeros(0, np.int8), np.zeros(0, np.bool_))
    return Deposits.joined(parts)


def _convert(
    energy: NDArray[np.float64],
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    origin: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Turn photons into the electrons that they make: energy, start, direction, origin."""
    alive = energy > 2 * _LOWEST_MEV
    energy, origin = energy[alive], origin[alive]
    flight = rng.exponential(9 / 7 * RADIATION_LENGTH_MM, len(energy))
    # Soft photons leave the electron's way at larger angles.
    direction = directions_around(direction[alive], np.minimum(3.0 / energy, 1.0), rng)
    start = start[alive] + flight[:, None] * direction
    share = rng.random(len(energy))
    hard = energy > _PAIR_MEV
    first, second = energy * share, (energy * (1 - share))[hard]
    energies = np.concatenate([first, second])
    starts = np.concatenate([start, start[hard]])
    origins = np.concatenate([origin, origin[hard]])
    spread = np.concatenate([np.where(hard, 1.0 / energy, 0.6), (1.0 / energy)[hard]])
    directions = directions_around(np.concatenate([direction, direction[hard]]), spread, rng)
    made = energies > _LOWEST_MEV
    return energies[made], starts[made], directions[made], origins[made]


def directions_around(
    direction: NDArray[np.float64], spread: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return unit vectors near `direction` (n, 3), off by about `spread` (n,) in each component."""
    turned = direction + spread[:, None] * rng.standard_normal(direction.shape)
    turned /= np.sqrt(np.einsum("ij,ij->i", turned, turned))[:, None]
    return turned
