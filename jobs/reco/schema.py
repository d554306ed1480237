"""The project's ROOT schema as data: what `write` writes, `read` expects and docs/reference/root-schema.md lists.

The fields are those of ``recob::Wire`` (regions of interest of a deconvolved waveform) and ``recob::Hit`` as far as a
plain ROOT file without LArSoft's dictionaries can hold them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "CHANNELS_BRANCHES",
    "CHANNELS_TREE",
    "EVENTS_BRANCHES",
    "EVENTS_TREE",
    "PROVENANCE_KEY",
    "Branch",
    "Provenance",
    "Shape",
]

EVENTS_TREE = "events"
"""One entry per event."""

CHANNELS_TREE = "channels"
"""One entry per channel, ordered by (apa, plane, wire)."""

PROVENANCE_KEY = "provenance"
"""A TObjString with the JSON of `Provenance`."""


class Shape(StrEnum):
    """How long a branch is in one entry; the value is the name of the counter branch that holds the length."""

    SCALAR = ""
    ROI = "n_roi"
    SAMPLE = "n_sample"
    HIT = "n_hit"
    BAD = "n_bad"


@dataclass(frozen=True)
class Branch:
    """One branch of a tree."""

    name: str
    dtype: str
    """NumPy name of the type."""
    unit: str
    """Empty for a number without a unit."""
    meaning: str
    shape: Shape = Shape.SCALAR
    optional: bool = False
    """Whether a file may come without it."""


EVENTS_BRANCHES = (
    Branch("run", "uint32", "", "Run number, as art numbers it"),
    Branch("subrun", "uint32", "", "Subrun number"),
    Branch("event", "uint32", "", "Event number"),
    Branch("n_ticks", "int32", "tick", "Length of the readout"),
    Branch("tick_ns", "float64", "ns", "Length of a tick"),
    Branch("roi_channel", "int32", "", "Channel of each region of interest, not decreasing", Shape.ROI),
    Branch("roi_start_tick", "int32", "tick", "First tick of the region; grows along a channel", Shape.ROI),
    Branch("roi_n_ticks", "int32", "tick", "Length of the region; regions of a channel do not overlap", Shape.ROI),
    Branch(
        "roi_samples",
        "float32",
        "electron/tick",
        "Deconvolved charge of every tick of every region, the regions one after the other",
        Shape.SAMPLE,
    ),
    Branch("hit_channel", "int32", "", "Channel of each hit", Shape.HIT),
    Branch("hit_start_tick", "int32", "tick", "First tick of the range that the hit was found in", Shape.HIT),
    Branch("hit_end_tick", "int32", "tick", "One past the last tick of that range", Shape.HIT),
    Branch("hit_peak_tick", "float32", "tick", "Position of the peak", Shape.HIT),
    Branch("hit_rms_ticks", "float32", "tick", "Charge-weighted width of the range", Shape.HIT),
    Branch("hit_peak_amplitude", "float32", "electron/tick", "Charge at the peak", Shape.HIT),
    Branch("hit_integral", "float32", "electron", "Charge of the range", Shape.HIT),
    Branch(
        "hit_true_label",
        "int8",
        "",
        "What made the largest part of the hit: 0 track, 1 em, 2 none; generated events only",
        Shape.HIT,
        optional=True,
    ),
    Branch(
        "hit_true_michel",
        "bool",
        "",
        "Whether that was a Michel electron; generated events only",
        Shape.HIT,
        optional=True,
    ),
    Branch("bad_channel", "int32", "", "Channel of each masked stretch", Shape.BAD),
    Branch("bad_start_tick", "int32", "tick", "First tick of the masked stretch", Shape.BAD),
    Branch("bad_end_tick", "int32", "tick", "One past its last tick", Shape.BAD),
)

CHANNELS_BRANCHES = (
    Branch("channel", "int32", "", "Channel number; may start anywhere and have gaps"),
    Branch("apa", "int16", "", "Number of the anode plane assembly"),
    Branch("plane", "int8", "", "0 U, 1 V, 2 W (collection)"),
    Branch("wire", "int32", "", "Position within (apa, plane): 0, 1, 2 ..."),
)


class Provenance(BaseModel):
    """Where a file of events came from."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    origin: str = Field(description="'generated' or 'imported'")
    detector: str = Field(description="Name of the detector, such as protodune-sp")
    source: str = Field("", description="Name of the archive that the events were imported from")
    tag: str = Field("", description="Tag of the frame within that archive")
    seed: int | None = Field(None, description="Seed of the generator")
    parameters: str = Field("", description="Parameters of the generator or of the import, JSON")
    software_version: str = Field(description="Version of SonicGrid that wrote the file")
