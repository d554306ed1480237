"""Checks one output against its record and the manifest: that its bytes are those, and its events exactly these."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jobs.errors import InputError
from jobs.payload.schema import SCORES_BRANCHES, SCORES_TREE
from jobs.reco.errors import InputAway
from jobs.reco.root import foreign_errors, open_root
from jobs.reco.schema import Shape
from jobs.reco.url import is_url
from jobs.storage.errors import NotThere, StorageAway, StorageRefused
from jobs.storage.storage import open_storage

if TYPE_CHECKING:
    from jobs.storage.storage import Content

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
    unread: bool = False
    """Whether it could not be read now, and may be what it must be."""


def check_output(expected: ExpectedOutput) -> OutputCheck:
    """Check size, SHA-256, branches and entries of one output."""
    path = expected.path
    try:
        size, digest = _measure(path)
    except (FileNotFoundError, NotThere):
        return OutputCheck(problem="its record says done, but its output is gone", gone=True)
    except OSError as error:
        return OutputCheck(problem=f"{path}: cannot be read: {error.strerror or error}", unread=True)
    except StorageRefused as error:
        return OutputCheck(problem=str(error), unread=True)
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
    except InputAway as error:
        return OutputCheck(problem=str(error), unread=True)
    except InputError as error:
        return OutputCheck(problem=str(error))


def _measure(path_or_url: str) -> tuple[int, str]:
    """Return size and SHA-256 of the bytes as they can be had now; a server that restarts is waited for."""
    if not is_url(path_or_url):
        with Path(path_or_url).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return file.tell(), digest
    content = _PATIENCE.digest(path_or_url)
    return content.bytes, content.sha256


class _Patience:
    """Asks a storage that does not answer again, for a while; then for none of its other files any more.

    Args:
        longest_s: how long, from the first question without an answer after one that had one.
        pause_s: between two questions.

    """

    def __init__(self, longest_s: float = 300.0, pause_s: float = 5.0) -> None:
        self.longest_s, self.pause_s = longest_s, pause_s
        self._silent_since: float | None = None

    def digest(self, url: str) -> Content:
        """Return what a file is; raises `StorageAway` once it was asked for long enough."""
        while True:
            if self._silent_since is not None and time.monotonic() - self._silent_since > self.longest_s:
                message = f"{url}: cannot be read: the server has not answered for {self.longest_s:g} s; see that it is"
                raise StorageAway(f"{message} up")
            try:
                content = open_storage(url).digest(url)
            except StorageAway:
                self._silent_since = self._silent_since or time.monotonic()
                time.sleep(self.pause_s)
            else:
                self._silent_since = None
                return content


_PATIENCE = _Patience()


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
