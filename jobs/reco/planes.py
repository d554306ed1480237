"""Which plane a channel of an imported frame belongs to: frames hold numbers of channels and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.errors import UsageError
from jobs.reco.event import ChannelMap
from jobs.reco.geometry import PLANE_CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DETECTORS", "Layout", "layout_of", "map_channels", "parse_planes"]


@dataclass(frozen=True)
class Layout:
    """How the channels of one anode are shared out among its planes."""

    detector: str
    planes: tuple[int, ...]
    """Channels of U, V and W on one anode, in the order of their numbers."""

    @property
    def per_apa(self) -> int:
        """Channels of one anode."""
        return sum(self.planes)


DETECTORS = {
    layout.detector: layout
    for layout in (
        Layout("protodune-sp", PLANE_CHANNELS),
        Layout("protodune-hd", PLANE_CHANNELS),
        Layout("protodune-vd", (476, 476, 584)),
        Layout("microboone", (2400, 2400, 3456)),
        Layout("sbnd", (1984, 1984, 1664)),
    )
}
"""Detectors whose layout is known, by name; the first whose anodes have as many channels as a frame is taken for it."""


def parse_planes(text: str) -> Layout:
    """Return the layout of a list such as ``800,800,960``.

    Raises:
        UsageError: it is not a list of up to 100 whole numbers above zero.

    """
    parts = text.split(",")
    if len(parts) > 100 or not all(part.strip().isdecimal() and 0 < int(part) <= 1_000_000 for part in parts):
        message = f"--planes {text}: not a list of channels per plane; write for example --planes 800,800,960"
        raise UsageError(message)
    return Layout("custom", tuple(int(part) for part in parts))


def layout_of(n_channels: int) -> Layout | None:
    """Return the layout of the detector that a frame with so many channels is from, None if it cannot be told."""
    for layout in DETECTORS.values():
        if n_channels % layout.per_apa == 0:
            return layout
    return None


def map_channels(channels: NDArray[Any], layout: Layout) -> ChannelMap:
    """Share the channels of a frame out among anodes and planes.

    Where the frame holds whole anodes, channels go to anodes and planes in the order of their numbers, which may start
    anywhere and have gaps; an anode is numbered after its first channel where its numbers are those of the detector's
    scheme (``number // channels per anode``), otherwise from 0. Where channels are missing, the scheme decides, and the
    map holds the missing ones too, so that neighbours stay neighbours.

    Args:
        channels: distinct integers (n,).
        layout: of the detector.

    """
    numbers = np.sort(channels).astype(np.int64)
    per_apa = layout.per_apa
    if len(numbers) % per_apa:
        apas = np.unique(numbers // per_apa)
        numbers = (apas[:, None] * per_apa + np.arange(per_apa)).reshape(-1)
    else:
        blocks = numbers.reshape(-1, per_apa)
        scheme = np.all(blocks == blocks[:, :1] + np.arange(per_apa)) and np.all(blocks[:, 0] % per_apa == 0)
        apas = blocks[:, 0] // per_apa if scheme else np.arange(len(blocks))
    plane = np.repeat(np.arange(len(layout.planes), dtype=np.int8), layout.planes)
    wire = np.concatenate([np.arange(count, dtype=np.int32) for count in layout.planes])
    return ChannelMap(
        channel=numbers.astype(np.int32),
        apa=np.repeat(apas, per_apa).astype(np.int16),
        plane=np.tile(plane, len(apas)),
        wire=np.tile(wire, len(apas)),
    )
