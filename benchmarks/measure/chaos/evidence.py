"""Reads what a campaign left, with nothing of SonicGrid's: Parquet, JSON and ROOT by their own libraries."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import uproot

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FoundEvent",
    "FoundFile",
    "Row",
    "can_be_read",
    "digest_of",
    "read_documents",
    "read_manifest_rows",
    "read_scores",
]

_SCORES = ("track", "em", "none", "michel")


@dataclass(frozen=True)
class Row:
    """One job of the manifest."""

    job: int
    block: int
    input_file: str
    input_uuid: str
    entry_start: int
    entry_stop: int
    output_file: str


@dataclass(frozen=True, eq=False)
class FoundEvent:
    """One event of an output or of a merged file; arrays as in `measure.chaos.truth`."""

    identity: tuple[int, int, int]
    entry: int
    hit_channel: NDArray[np.int32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FoundFile:
    """An output or a merged file: its events, and the rows of its tree `provenance`."""

    events: tuple[FoundEvent, ...]
    provenance: tuple[dict[str, Any], ...]


def read_manifest_rows(path: Path) -> list[Row]:
    """Return every row of a manifest, in order."""
    names = list(Row.__dataclass_fields__)
    return [Row(**row) for row in pq.read_table(path, columns=names).to_pylist()]


def read_scores(path: Path) -> FoundFile:
    """Read an output or a merged file whole."""
    with uproot.open(path) as file:
        tree = file["scores"].arrays(["run", "subrun", "event", "entry", "hit_channel", *_SCORES], library="np")
        rows = file["provenance"].arrays(library="np")
    events = [
        FoundEvent(
            (int(tree["run"][i]), int(tree["subrun"][i]), int(tree["event"][i])),
            int(tree["entry"][i]),
            np.asarray(tree["hit_channel"][i]),
            np.stack([np.asarray(tree[name][i], dtype=np.float32) for name in _SCORES], axis=1),
        )
        for i in range(len(tree["entry"]))
    ]
    count = len(next(iter(rows.values())))
    return FoundFile(tuple(events), tuple({name: values[i] for name, values in rows.items()} for i in range(count)))


def digest_of(path: Path) -> tuple[int, str]:
    """Return a file's size in bytes and its SHA-256, hex."""
    content = path.read_bytes()
    return len(content), hashlib.sha256(content).hexdigest()


def read_documents(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return every JSON document of a folder, and what is wrong with those that are none."""
    documents, problems = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            documents.append(json.loads(path.read_bytes()))
        except ValueError as error:
            problems.append(f"{path}: no JSON: {error}")
    return documents, problems


def can_be_read(path: str, start: int, stop: int) -> bool:
    """Return whether some entries of an input can be read, all branches of them."""
    try:
        with uproot.open(path) as file:
            file["events"].arrays(entry_start=start, entry_stop=stop, library="np")
    except Exception:  # noqa: BLE001  # whatever uproot makes of damaged bytes
        return False
    return True
