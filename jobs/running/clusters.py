"""Which clusters a block had, and with which jobs: written as they are made, so that their ends can be understood."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from jobs.errors import CampaignError
from jobs.running.ranges import read_ranges, write_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobs.layout import BlockFolder

__all__ = ["MadeCluster", "note_cluster", "note_return", "read_clusters"]


@dataclass(frozen=True)
class MadeCluster:
    """One cluster of a block.

    Attributes:
        cluster: its number.
        jobs: numbers of the manifest.
        submitted: seconds since the epoch.
        returned: whether what it had not materialized was given back, to run elsewhere.

    """

    cluster: int
    jobs: tuple[int, ...]
    submitted: float
    returned: bool = False


class _Made(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cluster: int
    jobs: str
    submitted: float


class _Returned(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cluster: int
    returned: Literal[True] = True


_NOTE: TypeAdapter[_Made | _Returned] = TypeAdapter(_Made | _Returned)


def note_cluster(folder: BlockFolder, cluster: int, jobs: Iterable[int]) -> None:
    """Write down a cluster that was just submitted.

    Raises:
        CampaignError: the disk is full, or the like.

    """
    _append(folder, _Made(cluster=cluster, jobs=write_ranges(jobs), submitted=time.time()))


def note_return(folder: BlockFolder, cluster: int) -> None:
    """Write down, before it is done, that the rest of a cluster is given back."""
    _append(folder, _Returned(cluster=cluster))


def read_clusters(folder: BlockFolder) -> list[MadeCluster]:
    """Return the clusters of a block, oldest first; a line that a crash cut short is passed over."""
    made: dict[int, MadeCluster] = {}
    returned: set[int] = set()
    for line in folder.cluster.read_bytes().splitlines() if folder.cluster.exists() else ():
        try:
            note = _NOTE.validate_json(line)
            if isinstance(note, _Returned):
                returned.add(note.cluster)
            else:
                made[note.cluster] = MadeCluster(note.cluster, read_ranges(note.jobs), note.submitted)
        except ValueError:
            continue
    return [MadeCluster(one.cluster, one.jobs, one.submitted, one.cluster in returned) for one in made.values()]


def _append(folder: BlockFolder, note: _Made | _Returned) -> None:
    try:
        with folder.cluster.open("a+b") as file:
            # What a crash cut short must not spoil this line.
            whole = file.tell() == 0 or (file.seek(-1, os.SEEK_END) >= 0 and file.read(1) == b"\n")
            file.write((b"" if whole else b"\n") + note.model_dump_json().encode() + b"\n")
    except OSError as error:
        message = f"{folder.cluster}: cannot be written: {error.strerror or error}; free some space"
        raise CampaignError(message) from error
