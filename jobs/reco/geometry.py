"""A detector of ProtoDUNE-SP's anode plane assemblies (APA): which channels see a point, and when.

Two rows of APAs face a cathode between them, as in ProtoDUNE-SP: even numbers on the side of negative x, odd ones
opposite, each further pair 2.3 m along z. Dimensions, pitches and angle from the ProtoDUNE-SP technical design
(arXiv:1706.07081); channel numbers as the signal processing writes them: 2,560 per APA, U 0-799, V 800-1599, W
1600-2559. As in the detector a U or V channel reads wires that are wrapped around the frame, so that two places share
a channel, and only those 480 W wires that face the cathode see much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.event import ChannelMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CHANNELS_PER_APA",
    "DRIFT_MM",
    "HEIGHT_MM",
    "N_TICKS",
    "PLANE_CHANNELS",
    "TICK_NS",
    "WIDTH_MM",
    "Box",
    "Projection",
    "box_of",
    "channel_map",
    "project",
]

PLANE_CHANNELS = (800, 800, 960)
"""Channels of U, V and W on one APA."""

CHANNELS_PER_APA = 2560
N_TICKS = 6000
TICK_NS = 500.0

DRIFT_MM = 3600.0
"""From the cathode to the wires."""
HEIGHT_MM = 6000.0
WIDTH_MM = 2300.0

_ANGLE = np.deg2rad(35.7)
"""Of the U and V wires from the vertical."""
_UV_PITCH_MM = 4.669
_W_PITCH_MM = 4.792
_FACING_W = 480
_MM_PER_TICK = 0.8
"""1.6 mm/us at 500 V/cm."""
_TRIGGER_TICK = 500
"""The readout begins 250 us before the trigger."""


@dataclass(frozen=True)
class Box:
    """The sensitive volume of a number of APAs: corners in mm; x along the drift, y up, z along the beam."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projection:
    """Points as the wires see them.

    Attributes:
        point: int64 (n,), number of the point among those that were projected; each has up to three rows.
        channel: int64 (n,).
        tick: float64 (n,), not limited to the readout.
        drift_mm: float64 (n,), how far the charge drifted.

    """

    point: NDArray[np.int64]
    channel: NDArray[np.int64]
    tick: NDArray[np.float64]
    drift_mm: NDArray[np.float64]


def channel_map(n_apas: int) -> ChannelMap:
    """Return the channel map of `n_apas` APAs."""
    plane = np.repeat(np.arange(3, dtype=np.int8), PLANE_CHANNELS)
    wire = np.concatenate([np.arange(count, dtype=np.int32) for count in PLANE_CHANNELS])
    return ChannelMap(
        channel=np.arange(n_apas * CHANNELS_PER_APA, dtype=np.int32),
        apa=np.repeat(np.arange(n_apas, dtype=np.int16), CHANNELS_PER_APA),
        plane=np.tile(plane, n_apas),
        wire=np.tile(wire, n_apas),
    )


def box_of(n_apas: int) -> Box:
    """Return the volume that `n_apas` APAs see."""
    depth = WIDTH_MM * ((n_apas + 1) // 2)
    return Box(np.array([-DRIFT_MM, 0.0, 0.0]), np.array([DRIFT_MM if n_apas > 1 else 0.0, HEIGHT_MM, depth]))


def project(
    position: NDArray[np.float64], t0_tick: NDArray[np.float64], n_apas: int, rng: np.random.Generator
) -> Projection:
    """Drift points to the wires, with transverse diffusion.

    Args:
        position: mm (n, 3).
        t0_tick: ticks (n,), time of each point after the trigger.
        n_apas: number of APAs.
        rng: for the diffusion.

    """
    side = (position[:, 0] > 0).astype(np.int64)
    column = np.floor(position[:, 2] / WIDTH_MM).astype(np.int64)
    apa = 2 * column + side
    drift = DRIFT_MM - np.abs(position[:, 0])
    inside = (apa >= 0) & (apa < n_apas) & (column >= 0) & (drift >= 0) & (drift <= DRIFT_MM)
    inside &= (position[:, 1] >= 0) & (position[:, 1] < HEIGHT_MM)
    point = np.flatnonzero(inside)
    apa, drift, side = apa[point], drift[point], side[point]
    # Transverse diffusion of 13 cm2/s.
    sigma = np.sqrt(2 * 13.0 * 100 * drift / (_MM_PER_TICK / (TICK_NS * 1e-9)))
    y = position[point, 1] + sigma * rng.standard_normal(len(point))
    z = position[point, 2] - column[point] * WIDTH_MM + sigma * rng.standard_normal(len(point))
    along, across = z * np.cos(_ANGLE), y * np.sin(_ANGLE)
    u = np.floor((along - across) / _UV_PITCH_MM).astype(np.int64) % PLANE_CHANNELS[0]
    v = np.floor((along + across) / _UV_PITCH_MM).astype(np.int64) % PLANE_CHANNELS[1]
    w = np.clip(np.floor(z / _W_PITCH_MM).astype(np.int64), 0, _FACING_W - 1) + _FACING_W * (1 - side)
    first = apa * CHANNELS_PER_APA
    tick = t0_tick[point] + _TRIGGER_TICK + drift / _MM_PER_TICK
    return Projection(
        point=np.tile(point, 3),
        channel=np.concatenate([first + u, first + PLANE_CHANNELS[0] + v, first + sum(PLANE_CHANNELS[:2]) + w]),
        tick=np.tile(tick, 3),
        drift_mm=np.tile(drift, 3),
    )
