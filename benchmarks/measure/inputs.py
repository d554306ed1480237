"""Input files that are real to everything that plans, and empty: events without wires and hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.event import BadChannels, Event, EventId, Hits, Wires
from jobs.reco.geometry import channel_map
from jobs.reco.schema import Provenance
from jobs.reco.write import software_version, write_events
from jobs.spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["EVENTS_PER_FILE", "make_inputs"]

EVENTS_PER_FILE = 100


def make_inputs(folder: Path, files: int, say: Callable[[str], None]) -> list[Path]:
    """Write `files` files of `EVENTS_PER_FILE` empty events each, and return their paths."""
    paths = [folder / f"empty-{number:05d}.root" for number in range(files)]
    for done, _ in enumerate(spread(_Write(), paths), start=1):
        if done % 250 == 0:
            say(f"{done} of {files} input files")
    return paths


@dataclass(frozen=True)
class _Write:
    """Writes one file; an object, because other processes must be able to import it."""

    def __call__(self, path: Path) -> int:
        whole, real = np.empty(0, np.int32), np.empty(0, np.float32)
        wires = Wires(whole, whole, whole, real)
        hits = Hits(whole, whole, whole, real, real, real, real)
        bad = BadChannels(whole, whole, whole)
        events = (
            Event(EventId(run=1, subrun=0, event=number), 6000, 500.0, wires, hits, bad)
            for number in range(1, EVENTS_PER_FILE + 1)
        )
        provenance = Provenance(
            origin="generated", detector="protodune-sp", parameters="empty", software_version=software_version()
        )
        return write_events(path, events, channel_map(1), provenance).bytes
