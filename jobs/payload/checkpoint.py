"""Scored events of an unfinished job as a file: what a later attempt reads instead of computing it again.

``JOB.START-STOP.checkpoint`` holds the events of one range of entries: a line with the format's version and the SHA-256
of everything after it, a line of JSON that says whose events they are, and the events as NumPy's ``.npz``.
docs/reference/checkpoints.md says how to read one without this program.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.errors import JobsError
from jobs.payload.output import NO_VIEWS, ScoredEvent
from jobs.payload.prepare import PreparedEvent
from jobs.payload.progress import Spent
from jobs.reco.event import EventId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CheckpointHeader", "CheckpointUnusable", "WorkOf", "pack_checkpoint", "read_checkpoint"]

_MAGIC = b"sonicgrid-checkpoint 1 "
_FIRST_LINE = re.compile(re.escape(_MAGIC) + rb"([0-9a-f]{64})\n")

_PER_EVENT = {"run": np.uint32, "subrun": np.uint32, "event": np.uint32, "entry": np.int64, "n_hit": np.int64}
_PER_HIT = {"hit_channel": np.int32, "hit_peak_tick": np.float32, "em_trk_none": np.float32, "michel": np.float32}


class CheckpointUnusable(JobsError):
    """A checkpoint is damaged, or is of other work; its events are computed again."""


@dataclass(frozen=True)
class WorkOf:
    """What two attempts must have in common for one to take over what the other scored."""

    campaign: str
    manifest_digest: str
    job: int
    input_uuid: str
    model: str
    model_version: str
    flavour: Literal["gpu", "cpu"]
    software_version: str


class CheckpointHeader(BaseModel):
    """Whose events a checkpoint holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign: str = Field(description="Name of the campaign")
    manifest_digest: str = Field(description="Digest of the manifest that the job belongs to")
    job: int = Field(description="Number of the job in the manifest")
    input_uuid: str = Field(description="UUID of the input ROOT file")
    model: str = Field(description="Name of the network")
    model_version: str = Field(description="Version of the network")
    flavour: Literal["gpu", "cpu"] = Field(description="Where the network ran")
    software_version: str = Field(description="Version of SonicGrid that scored them")
    cluster: int = Field(description="HTCondor cluster of the attempt; -1 outside HTCondor")
    proc: int = Field(description="HTCondor proc of the attempt")
    attempt: int = Field(description="Number of the attempt")
    entry_start: int = Field(description="Entry of the first event")
    entry_stop: int = Field(description="One past that of the last")
    hits_on_cpu: int = Field(0, description="Hits of a gpu job that were scored in the job")
    spent: Spent = Field(Spent(), description="What the attempt took up to here")

    @property
    def work(self) -> WorkOf:
        """The part that must be the same for whoever takes it over."""
        return WorkOf(**{name: getattr(self, name) for name in WorkOf.__dataclass_fields__})


def pack_checkpoint(header: CheckpointHeader, events: Sequence[ScoredEvent]) -> bytes:
    """Return the content of a file with these events, which are those of the header's entries."""
    columns: dict[str, NDArray[Any]] = {
        "run": np.array([one.event.id.run for one in events], np.uint32),
        "subrun": np.array([one.event.id.subrun for one in events], np.uint32),
        "event": np.array([one.event.id.event for one in events], np.uint32),
        "entry": np.array([one.event.entry for one in events], np.int64),
        "n_hit": np.array([len(one.michel) for one in events], np.int64),
        "hit_channel": np.concatenate([one.event.hit_channel for one in events]),
        "hit_peak_tick": np.concatenate([one.event.hit_peak_tick for one in events]),
        "em_trk_none": np.concatenate([one.em_trk_none for one in events]),
        "michel": np.concatenate([one.michel for one in events]),
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **columns)
    body = header.model_dump_json().encode() + b"\n" + content.getvalue()
    return _MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def read_checkpoint(path: Path, work: WorkOf) -> tuple[CheckpointHeader, list[ScoredEvent]]:
    """Return the events of a checkpoint.

    Raises:
        CheckpointUnusable: it cannot be read, is damaged, or is not of this work; says which.

    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointUnusable(f"{path}: cannot be read: {error.strerror or error}") from error
    first = _FIRST_LINE.match(content)
    if first is None:
        raise CheckpointUnusable(f"{path}: is no checkpoint of a version that this program knows")
    body = memoryview(content)[first.end() :]
    if hashlib.sha256(body).hexdigest().encode() != first[1]:
        raise CheckpointUnusable(f"{path}: is damaged: its content has another SHA-256 than its first line says")
    line, _, arrays = bytes(body).partition(b"\n")
    try:
        header = CheckpointHeader.model_validate_json(line)
        with np.load(io.BytesIO(arrays), allow_pickle=False) as file:
            columns = {name: file[name] for name in (*_PER_EVENT, *_PER_HIT)}
    except (ValidationError, ValueError, KeyError, zipfile.BadZipFile, OSError) as error:
        raise CheckpointUnusable(f"{path}: is not one of ours: {error}") from error
    other = [name for name, value in asdict(work).items() if getattr(header, name) != value]
    if other:
        raise CheckpointUnusable(f"{path}: is of another {', '.join(other)}")
    return header, _events(path, header, columns)


def _events(path: Path, header: CheckpointHeader, columns: Mapping[str, NDArray[Any]]) -> list[ScoredEvent]:
    n_events, n_hits = header.entry_stop - header.entry_start, int(columns["n_hit"].sum())
    right = all(columns[name].dtype == kind and len(columns[name]) == n_events for name, kind in _PER_EVENT.items())
    right = right and all(
        columns[name].dtype == kind and len(columns[name]) == n_hits for name, kind in _PER_HIT.items()
    )
    if not right or not np.array_equal(columns["entry"], np.arange(header.entry_start, header.entry_stop)):
        raise CheckpointUnusable(f"{path}: its columns do not hold the events that it says")
    ends = np.cumsum(columns["n_hit"], dtype=np.int64).tolist()
    starts = [0, *ends[:-1]]
    return [
        ScoredEvent(
            event=PreparedEvent(
                id=EventId(*(int(columns[name][row]) for name in ("run", "subrun", "event"))),
                entry=int(columns["entry"][row]),
                hit_channel=columns["hit_channel"][start:end],
                hit_peak_tick=columns["hit_peak_tick"][start:end],
                views=NO_VIEWS,
            ),
            em_trk_none=columns["em_trk_none"][start:end],
            michel=columns["michel"][start:end],
        )
        for row, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
