"""One event in memory: what the reader yields, the generator makes and the importer builds.

Arrays, not objects per hit or per wire: an event of six APAs has about 50,000 hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BadChannels", "ChannelMap", "Event", "EventId", "Hits", "Truth", "Wires"]


@dataclass(frozen=True, order=True)
class EventId:
    """Identity of an event, as art numbers it."""

    run: int
    subrun: int
    event: int


@dataclass(frozen=True, eq=False)
class ChannelMap:
    """Which wire of which plane each channel reads; one per file, rows ordered by (apa, plane, wire).

    Channel numbers may start anywhere and have gaps; wire numbers are 0, 1, 2 ... within a plane.

    Attributes:
        channel: int32 (n_channels,).
        apa: int16 (n_channels,).
        plane: int8 (n_channels,), 0 = U, 1 = V, 2 = W (collection).
        wire: int32 (n_channels,), position within (apa, plane).

    """

    channel: NDArray[np.int32]
    apa: NDArray[np.int16]
    plane: NDArray[np.int8]
    wire: NDArray[np.int32]

    def rows_of(self, channels: NDArray[Any]) -> NDArray[np.int64]:
        """Return the row of each channel in this map, -1 for a channel that is not in it.

        Args:
            channels: integers (n,).

        """
        order = np.argsort(self.channel, kind="stable")
        place = np.minimum(np.searchsorted(self.channel, channels, sorter=order), len(order) - 1)
        rows: NDArray[np.int64] = order[place]
        return np.where(self.channel[rows] == channels, rows, -1)


@dataclass(frozen=True, eq=False)
class Wires:
    """Deconvolved waveforms as regions of interest (ROI), like recob::Wire; outside of them a wire is silent.

    Attributes:
        channel: int32 (n_rois,), not decreasing.
        start_tick: int32 (n_rois,), first tick of the ROI.
        n_ticks: int32 (n_rois,), length of the ROI.
        samples: float32 (sum of n_ticks,), electrons per tick, the ROIs one after the other.

    """

    channel: NDArray[np.int32]
    start_tick: NDArray[np.int32]
    n_ticks: NDArray[np.int32]
    samples: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Truth:
    """What made each hit, for generated events.

    Attributes:
        label: int8 (n_hits,), index into sonic.network.EM_TRK_NONE_LABELS: 0 track, 1 em, 2 none.
        michel: bool (n_hits,), whether a Michel electron made it.

    """

    label: NDArray[np.int8]
    michel: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Hits:
    """Hits, like recob::Hit; their order is the order of the scores.

    Attributes:
        channel: int32 (n_hits,).
        start_tick, end_tick: int32 (n_hits,), the range that the hit was found in, end exclusive.
        peak_tick: float32 (n_hits,).
        rms_ticks: float32 (n_hits,).
        peak_amplitude: float32 (n_hits,), electrons per tick.
        integral: float32 (n_hits,), electrons.
        truth: for generated events.

    """

    channel: NDArray[np.int32]
    start_tick: NDArray[np.int32]
    end_tick: NDArray[np.int32]
    peak_tick: NDArray[np.float32]
    rms_ticks: NDArray[np.float32]
    peak_amplitude: NDArray[np.float32]
    integral: NDArray[np.float32]
    truth: Truth | None = None


@dataclass(frozen=True, eq=False)
class BadChannels:
    """Masked stretches of channels.

    Attributes:
        channel: int32 (n_masks,).
        start_tick, end_tick: int32 (n_masks,), end exclusive.

    """

    channel: NDArray[np.int32]
    start_tick: NDArray[np.int32]
    end_tick: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Event:
    """One readout of the detector."""

    id: EventId
    n_ticks: int
    """Length of the readout."""
    tick_ns: float
    """Length of a tick; 500 in ProtoDUNE."""
    wires: Wires
    hits: Hits
    bad: BadChannels
