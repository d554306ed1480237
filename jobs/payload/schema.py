"""The output's schema as data: what the payload writes and what `merge` and `validate` read.

docs/reference/output-files.md lists the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from jobs.reco.schema import Branch, Shape

__all__ = ["PROVENANCE_BRANCHES", "PROVENANCE_TREE", "SCORES_BRANCHES", "SCORES_TREE", "OutputProvenance"]

SCORES_TREE = "scores"
"""One entry per event, in the order of the input's entries."""

SCORES_BRANCHES = (
    Branch("run", "uint32", "", "Run number, as in the input"),
    Branch("subrun", "uint32", "", "Subrun number"),
    Branch("event", "uint32", "", "Event number"),
    Branch("entry", "int64", "", "Entry of the event in the input file"),
    Branch("hit_channel", "int32", "", "Channel of each hit, as in the input", Shape.HIT),
    Branch("hit_peak_tick", "float32", "tick", "Position of the hit's peak, as in the input", Shape.HIT),
    Branch("track", "float32", "", "Score for a track, 0 to 1, in the order of the input's hits", Shape.HIT),
    Branch("em", "float32", "", "Score for electromagnetic activity; track + em + none = 1", Shape.HIT),
    Branch("none", "float32", "", "Score for neither", Shape.HIT),
    Branch("michel", "float32", "", "Score for a Michel electron, 0 to 1, independent of the other three", Shape.HIT),
)

PROVENANCE_TREE = "provenance"
"""One entry in the output of a job; one per job in a merged file."""


_DTYPES = {"str": "string", "int": "int64"}


def _meaning(text: str) -> Any:  # noqa: ANN401  # like dataclasses.field, which it wraps
    return field(metadata={"meaning": text})


@dataclass(frozen=True)
class OutputProvenance:
    """Where the scores came from; the fields are the branches of `PROVENANCE_TREE`."""

    input_file: str = _meaning("Path or URL of the input file, as in the manifest")
    input_uuid: str = _meaning("UUID that ROOT gave the input file")
    entry_start: int = _meaning("First entry of the input that the job read")
    entry_stop: int = _meaning("One past the last")
    model: str = _meaning("Name of the network")
    model_version: str = _meaning("Version of the network")
    flavour: str = _meaning("Where the network ran: gpu = inference pool, cpu = in the job")
    campaign: str = _meaning("Name of the campaign")
    manifest_digest: str = _meaning("Digest of the manifest that the job belongs to")
    software_version: str = _meaning("Version of SonicGrid that wrote the file")
    block: int = _meaning("Number of the block")
    job: int = _meaning("Number of the job in the manifest")


PROVENANCE_BRANCHES = tuple(
    Branch(one.name, _DTYPES[str(one.type)], "", one.metadata["meaning"]) for one in fields(OutputProvenance)
)
