"""Checks one output against its record and the manifest: that its bytes are those, and its events exactly these."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs.errors import InputError
from jobs.payload.schema import SCORES_BRANCHES, SCORES_TREE
from jobs.reco.root import foreign_errors, open_root
from jobs.reco.schema import Shape

__all__ = ["ExpectedOutput", "OutputCheck", "check_output"]


@dataclass(frozen=True)
class ExpectedOutput:
    """What an output must be."""

    path: str
    bytes: int
    sha256: str
    entry_start: int
    entry_stop: int
    others: tuple[tuple[int, str], ...] = ()
    """Bytes and SHA-256 by other attempts that succeeded: where the grid ran a job twice at once, one of them was the
    last to put its output in place, and not always the one that began last."""


@dataclass(frozen=True)
class OutputCheck:
    """What an output is."""

    hits: int = 0
    problem: str = ""
    """Why it is not what it must be; empty if it is."""
    gone: bool = False
    """Whether it is not there at all."""


def check_output(expected: ExpectedOutput) -> OutputCheck:
    """Check size, SHA-256, branches and entries of one output."""
    path = Path(expected.path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return OutputCheck(problem="its record says done, but its output is gone", gone=True)
    except OSError as error:
        return OutputCheck(problem=f"{path}: cannot be read: {error.strerror or error}")
    if (size, digest) in expected.others:
        return _content(expected)
    if size != expected.bytes:
        return OutputCheck(problem=f"{path}: has {size} bytes, its record says {expected.bytes}")
    if digest != expected.sha256:
        return OutputCheck(problem=f"{path}: its SHA-256 is {digest}, its record says {expected.sha256}")
    return _content(expected)


def _content(expected: ExpectedOutput) -> OutputCheck:
    try:
        return _check_content(expected)
    except InputError as error:
        return OutputCheck(problem=str(error))


def _check_content(expected: ExpectedOutput) -> OutputCheck:
    where = expected.path
    with open_root(where) as directory, foreign_errors(where):
        if SCORES_TREE not in directory:
            return OutputCheck(problem=f"{where}: has no tree '{SCORES_TREE}'")
        tree = directory[SCORES_TREE]
        lost = {branch.name for branch in SCORES_BRANCHES} - set(tree.keys(recursive=False))
        if lost:
            return OutputCheck(problem=f"{where}: has no branch '{min(lost)}'")
        entries = tree["entry"].array(library="np")
        hits = tree[Shape.HIT.value].array(library="np")
    wanted = np.arange(expected.entry_start, expected.entry_stop)
    if not np.array_equal(entries, wanted):
        found = f"{len(entries)} entries" + (f" from {entries[0]} to {entries[-1]}" if len(entries) else "")
        what = f"holds {found}, not each of {expected.entry_start} to {expected.entry_stop - 1} once and in order"
        return OutputCheck(problem=f"{where}: {what}")
    return OutputCheck(hits=int(hits.sum(dtype=np.int64)))
