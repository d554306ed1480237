"""Where a prepared event lies, and how a job gets at it: arrays in files, mapped into memory and so shared by all jobs.

Kept apart from what prepares events, because every job pays for what it imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sonic import Scores, View

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "BATCH_PATCHES",
    "event_folder",
    "patches_file",
    "read_patches",
    "read_scores",
    "read_views",
    "write_scores",
    "write_views",
]

BATCH_PATCHES = 256
"""Patches in a request or a run of the network; larrecodnn's number, and the client's default."""

_VIEW = ("pixels", "hit_wire", "hit_drift")
_SCORES = ("em_trk_none", "michel")


def event_folder(folder: Path, number: int) -> Path:
    """Return the folder of an event; they are counted from 0."""
    return folder / f"event-{number}"


def patches_file(folder: Path) -> Path:
    """Return the file with the patches of the first event."""
    return event_folder(folder, 0) / "patches.npy"


def write_views(folder: Path, number: int, views: Sequence[View]) -> None:
    """Write the views of an event."""
    for index, view in enumerate(views):
        _write(event_folder(folder, number), f"view-{index:03d}", {name: getattr(view, name) for name in _VIEW})


def read_views(folder: Path, number: int) -> list[View]:
    """Return the views of an event."""
    return [View(**arrays) for arrays in _read(event_folder(folder, number), "view", _VIEW)]


def write_scores(folder: Path, number: int, scores: Sequence[Scores]) -> None:
    """Write the scores of an event, view by view."""
    for index, one in enumerate(scores):
        _write(event_folder(folder, number), f"scores-{index:03d}", {name: getattr(one, name) for name in _SCORES})


def read_scores(folder: Path, number: int) -> list[Scores]:
    """Return the scores of an event, view by view."""
    return [Scores(**arrays) for arrays in _read(event_folder(folder, number), "scores", _SCORES)]


def read_patches(folder: Path) -> list[NDArray[np.float32]]:
    """Return the patches of the first event in batches; none is copied."""
    patches = _mapped(patches_file(folder))
    return [patches[start : start + BATCH_PATCHES] for start in range(0, len(patches), BATCH_PATCHES)]


def _write(folder: Path, stem: str, arrays: dict[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{stem}-{name}.npy", array)


def _read(folder: Path, stem: str, names: Sequence[str]) -> list[dict[str, NDArray[Any]]]:
    count = len(list(folder.glob(f"{stem}-*-{names[0]}.npy")))
    return [{name: _mapped(folder / f"{stem}-{index:03d}-{name}.npy") for name in names} for index in range(count)]


def _mapped(path: Path) -> NDArray[Any]:
    # As a plain array: numpy carries the subclass of a mapped one along with every slice.
    array: NDArray[Any] = np.asarray(np.load(path, mmap_mode="r"))
    return array
