"""Writes a job's output: whole, checksummed and durable under its name, or not there at all.

Until then it is ``NAME.CLUSTER.PROC.ATTEMPT.part``, in the same folder unless another is given. A killed attempt
(SIGKILL, power) leaves that file; the next attempt of the same job removes it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import uproot

from jobs.payload.errors import OutputRefused
from jobs.payload.schema import PROVENANCE_BRANCHES, PROVENANCE_TREE, SCORES_BRANCHES, SCORES_TREE
from jobs.reco.schema import Shape
from jobs.reco.views import EventViews
from sonic.network import EM_TRK_NONE_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from jobs.payload.prepare import PreparedEvent
    from jobs.payload.schema import OutputProvenance
    from jobs.payload.worker import Worker

__all__ = ["NO_VIEWS", "Finished", "ScoredEvent", "ScoresFile", "is_partial_of", "partial_name"]

_BASKET_HITS = 100_000
_BASKET_EVENTS = 1_000
"""Events are written together once they have this many hits, or are this many."""

NO_VIEWS = EventViews((), np.empty(0, dtype=np.int64))

_PER_EVENT = tuple(branch for branch in SCORES_BRANCHES if branch.shape is Shape.SCALAR)
_PER_HIT = tuple(branch for branch in SCORES_BRANCHES if branch.shape is Shape.HIT)


@dataclass(frozen=True, eq=False)
class ScoredEvent:
    """One event with its scores.

    Attributes:
        event: what was prepared.
        em_trk_none: float32 (n_hits, 3), in the order of the input's hits.
        michel: float32 (n_hits,).

    """

    event: PreparedEvent
    em_trk_none: NDArray[np.float32]
    michel: NDArray[np.float32]

    def without_views(self) -> ScoredEvent:
        """Return it without its images, tens of MB, which nobody needs any more."""
        return replace(self, event=replace(self.event, views=NO_VIEWS))


def partial_name(name: str, worker: Worker) -> str:
    """Return what an output is called until it is complete: of its job and of its attempt."""
    return f"{name}.{worker.cluster}.{worker.proc}.{worker.attempt}.part"


def is_partial_of(found: str, name: str) -> bool:
    """Whether a file is what an attempt has left of the output of this name."""
    return found.startswith(f"{name}.") and found.endswith(".part")


@dataclass(frozen=True)
class Finished:
    """The complete output, still under its temporary name."""

    sha256: str
    bytes: int


class ScoresFile:
    """One job's output while it is being written.

    Args:
        path: where it will be.
        worker: whose attempt this is; names the temporary file.
        partial_folder: folder of the temporary file, of the same file system; by default the output's own.

    Raises:
        OutputRefused: the file system does not let it be made.

    """

    def __init__(self, path: Path, worker: Worker, partial_folder: Path | None = None) -> None:
        self._path = path
        self._partial = (partial_folder or path.parent) / partial_name(path.name, worker)
        self._waiting: list[ScoredEvent] = []
        self._waiting_hits = 0
        self._file: Any = None
        self._tree: Any = None
        try:
            with self._refusals():
                self._open()
        except BaseException:
            self.discard()
            raise

    @property
    def partial(self) -> Path:
        """The file until it is committed."""
        return self._partial

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for left in self._partial.parent.iterdir():
            if is_partial_of(left.name, self._path.name):
                left.unlink(missing_ok=True)
        self._file = uproot.recreate(self._partial)
        self._tree = self._file.mktree(
            SCORES_TREE,
            {
                **{branch.name: branch.dtype for branch in _PER_EVENT},
                "hit": ak.types.from_datashape(_hit_type(), highlevel=False),
            },
            counter_name=lambda counted: f"n_{counted}",
            field_name=lambda outer, inner: inner if outer in ("", "hit") else f"{outer}_{inner}",
        )

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = (
                f"{self._path}: the output cannot be written: {error.strerror or error}; "
                f"check space, quota and permissions of {self._path.parent}"
            )
            raise OutputRefused(message) from error

    def add(self, event: ScoredEvent) -> None:
        """Write one event, sooner or later.

        Raises:
            OutputRefused: the disk is full, or the like.

        """
        # Without its views: images of up to a thousand waiting events would not fit into memory.
        self._waiting.append(event.without_views())
        self._waiting_hits += len(event.michel)
        if self._waiting_hits >= _BASKET_HITS or len(self._waiting) >= _BASKET_EVENTS:
            self._write_waiting()

    def _write_waiting(self) -> None:
        if not self._waiting:
            return
        hits = ak.Array({branch.name: _column(self._waiting, branch.name, branch.dtype) for branch in _PER_HIT})
        columns: dict[str, Any] = {
            branch.name: np.array([_scalar(one.event, branch.name) for one in self._waiting], dtype=branch.dtype)
            for branch in _PER_EVENT
        }
        columns["hit"] = ak.unflatten(hits, [len(one.michel) for one in self._waiting])
        with self._refusals():
            self._tree.extend(columns)
        self._waiting, self._waiting_hits = [], 0

    def finish(self, provenance: OutputProvenance) -> Finished:
        """Write what waits and the provenance, close the file, and see it on the disk.

        Raises:
            OutputRefused: the disk is full, or the like.

        """
        self._write_waiting()
        values = asdict(provenance)
        with self._refusals():
            types = {
                branch.name: ak.types.from_datashape(branch.dtype, highlevel=False) for branch in PROVENANCE_BRANCHES
            }
            self._file.mktree(PROVENANCE_TREE, types).extend(
                {
                    branch.name: ak.Array([values[branch.name]])
                    if branch.dtype == "string"
                    else np.array([values[branch.name]], dtype=branch.dtype)
                    for branch in PROVENANCE_BRANCHES
                }
            )
            self._file.close()
            with self._partial.open("rb") as file:
                os.fsync(file.fileno())
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                return Finished(digest, file.tell())

    def commit(self) -> None:
        """Give the finished file its name.

        Raises:
            OutputRefused: the folder does not take it.

        """
        with self._refusals():
            self._partial.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def withdraw(self) -> None:
        """Take back what was committed: nobody will vouch for it."""
        self._path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing half-written; harmless after `commit`."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)


def _hit_type() -> str:
    return "var * {" + ", ".join(f'"{branch.name}": {branch.dtype}' for branch in _PER_HIT) + "}"


def _scalar(event: PreparedEvent, name: str) -> int:
    value: int = event.entry if name == "entry" else getattr(event.id, name)
    return value


def _column(events: list[ScoredEvent], name: str, dtype: str) -> NDArray[Any]:
    return np.concatenate([_per_hit(one, name) for one in events]).astype(dtype, copy=False)


def _per_hit(scored: ScoredEvent, name: str) -> NDArray[Any]:
    match name:
        case "hit_channel":
            return scored.event.hit_channel
        case "hit_peak_tick":
            return scored.event.hit_peak_tick
        case "michel":
            return scored.michel
        case _:
            return scored.em_trk_none[:, EM_TRK_NONE_LABELS.index(name)]
