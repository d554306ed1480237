"""Writes one merged file from the outputs that go into it: whole under its name, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import uproot

from jobs.errors import CampaignError, InputError
from jobs.payload.schema import PROVENANCE_BRANCHES, PROVENANCE_TREE, SCORES_BRANCHES, SCORES_TREE
from jobs.reco.root import foreign_errors, open_root
from jobs.reco.schema import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Part", "WrittenMerged", "write_merged"]

_BASKET_HITS = 1_000_000
"""Hits gathered before they are written together: 24 MB."""

_BASKET_EVENTS = 10_000
"""The same for events, which have few hits or none."""

_READ_BYTES = 32_000_000
"""An output is read in pieces of about this size."""

_PER_EVENT = tuple(branch for branch in SCORES_BRANCHES if branch.shape is Shape.SCALAR)
_PER_HIT = tuple(branch for branch in SCORES_BRANCHES if branch.shape is Shape.HIT)


@dataclass(frozen=True)
class Part:
    """One merged file to be written."""

    path: str
    outputs: tuple[tuple[str, int], ...]
    """Path of each output that goes into it and the number of its events, in order."""


@dataclass(frozen=True)
class WrittenMerged:
    """What was written."""

    bytes: int
    sha256: str
    events: int
    hits: int


def write_merged(part: Part) -> WrittenMerged:
    """Write one merged file; memory holds two pieces of outputs at a time, whatever their number.

    Raises:
        CampaignError: an output cannot be read or has other events than it must, or the file cannot be written.

    """
    path = Path(part.path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        events, hits = _write(temporary, part)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        temporary.replace(path)
    except InputError as error:
        message = f"{error}; it was valid before: run `sonicgrid submit` again to have it checked"
        raise CampaignError(message) from error
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror or error}; free some space or correct the permissions"
        raise CampaignError(message) from error
    finally:
        temporary.unlink(missing_ok=True)
    return WrittenMerged(size, digest, events, hits)


def _write(path: Path, part: Part) -> tuple[int, int]:
    events = hits = 0
    provenance: list[Any] = []
    with uproot.recreate(path) as file:
        tree = file.mktree(
            SCORES_TREE,
            {**{branch.name: branch.dtype for branch in _PER_EVENT}, "hit": _type("var * {" + _fields() + "}")},
            counter_name=lambda counted: f"n_{counted}",
            field_name=lambda outer, inner: inner if outer in ("", "hit") else f"{outer}_{inner}",
        )
        for piece in _gather(part, provenance):
            columns: dict[str, Any] = {branch.name: ak.to_numpy(piece[branch.name]) for branch in _PER_EVENT}
            columns["hit"] = ak.zip({branch.name: piece[branch.name] for branch in _PER_HIT})
            tree.extend(columns)
            events += len(piece)
            hits += int(ak.sum(ak.num(piece[_PER_HIT[0].name])))
        rows = ak.concatenate(provenance)
        file.mktree(PROVENANCE_TREE, {branch.name: _type(branch.dtype) for branch in PROVENANCE_BRANCHES}).extend(
            {
                branch.name: rows[branch.name] if branch.dtype == "string" else ak.to_numpy(rows[branch.name])
                for branch in PROVENANCE_BRANCHES
            }
        )
    return events, hits


def _gather(part: Part, provenance: list[Any]) -> Iterator[Any]:
    """Yield the events of all outputs in pieces that are worth a basket; note the provenance of each output."""
    waiting: list[Any] = []
    events = hits = 0
    for path, expected in part.outputs:
        found = 0
        for piece in _read(path, provenance):
            waiting.append(piece)
            found += len(piece)
            events += len(piece)
            hits += int(np.sum(ak.to_numpy(ak.num(piece[_PER_HIT[0].name]))))
            if hits >= _BASKET_HITS or events >= _BASKET_EVENTS:
                yield ak.concatenate(waiting)
                waiting, events, hits = [], 0, 0
        if found != expected:
            message = f"{path}: holds {found} events, not {expected}"
            raise InputError(message)
    if waiting:
        yield ak.concatenate(waiting)


def _read(path: str, provenance: list[Any]) -> Iterator[Any]:
    with open_root(path) as directory:
        with foreign_errors(path):
            names = [branch.name for branch in SCORES_BRANCHES]
            pieces = directory[SCORES_TREE].iterate(names, step_size=_READ_BYTES, library="ak")
            provenance.append(directory[PROVENANCE_TREE].arrays([branch.name for branch in PROVENANCE_BRANCHES]))
        while True:
            with foreign_errors(path):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece


def _fields() -> str:
    return ", ".join(f'"{branch.name}": {branch.dtype}' for branch in _PER_HIT)


def _type(datashape: str) -> Any:  # noqa: ANN401 - awkward has no types
    return ak.types.from_datashape(datashape, highlevel=False)
