"""What HTCondor's event log says of one job, found in the log of its whole block.

A log of hundreds of MB is not read at every look: each look reads on where the last one ended, at most `MOST_BYTES`,
and what was found is kept for the jobs that were looked at last.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.running.clusters import read_clusters
from jobs.running.describe import EVENT_NOTE
from jobs.running.event_text import EVENT_END, read_events

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import BlockFolder
    from jobs.running.clusters import MadeCluster
    from jobs.running.standing import LogEvent

__all__ = ["JobLife", "read_life"]

MOST_BYTES = 64 << 20
"""Of the log that one look reads; takes a tenth of a second where the log is in memory."""

_PIECE_BYTES = 8 << 20
_LONGEST_EVENT_BYTES = 1 << 20
"""A piece without the end of an event that is longer than this is passed over."""

_MOST_EVENTS = 5000
"""Of one job that are kept: more than three days of heartbeats; the oldest heartbeats go first."""

_MOST_JOBS = 64


@dataclass(frozen=True)
class JobLife:
    """One job's part of its block's event log.

    Attributes:
        events: of HTCondor, heartbeats among them, oldest first; those that concern a whole cluster have no proc.
        clusters: that the job was handed to HTCondor in, oldest first, with when.
        read_bytes: up to where the log was read.
        log_bytes: how long it is.
        note: why it could not be read; empty if it could.

    """

    events: tuple[LogEvent, ...]
    clusters: tuple[MadeCluster, ...]
    read_bytes: int
    log_bytes: int
    note: str = ""

    @property
    def whole(self) -> bool:
        """Whether the log was read to its end, but for an event that is being written."""
        return self.log_bytes - self.read_bytes < _LONGEST_EVENT_BYTES


@dataclass
class _Found:
    """What was found so far, and where to read on."""

    inode: int = 0
    head: bytes = b""
    offset: int = 0
    heads: set[bytes] = field(default_factory=set)
    events: list[LogEvent] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


_found: OrderedDict[tuple[str, int], _Found] = OrderedDict()
_found_lock = threading.Lock()


def read_life(folder: BlockFolder, job: int, most_bytes: int = MOST_BYTES) -> JobLife:
    """Read on in the event log of a block for one of its jobs.

    Args:
        folder: of the block.
        job: its number in the manifest.
        most_bytes: of the log to read now.

    """
    path = folder.events_log
    clusters = tuple(made for made in read_clusters(folder) if job in made.jobs)
    found = _remembered(path, job)
    with found.lock:
        try:
            with path.open("rb") as file:
                size = _read_on(file.fileno(), found, clusters, job, most_bytes)
        except FileNotFoundError:
            return JobLife(
                (), clusters, 0, 0, f"{path}: not there; HTCondor writes it when the block's jobs are submitted"
            )
        except OSError as error:
            note = f"{path}: cannot be read now: {error.strerror}"
            return JobLife(tuple(found.events), clusters, found.offset, found.offset, note)
        return JobLife(tuple(found.events), clusters, found.offset, size)


def _remembered(path: Path, job: int) -> _Found:
    with _found_lock:
        found = _found.setdefault((str(path), job), _Found())
        _found.move_to_end((str(path), job))
        while len(_found) > _MOST_JOBS:
            _found.popitem(last=False)
        return found


def _read_on(handle: int, found: _Found, clusters: tuple[MadeCluster, ...], job: int, most_bytes: int) -> int:
    """Read the next pieces; returns the length of the log."""
    seen = os.fstat(handle)
    head = os.pread(handle, len(found.head), 0)
    if (seen.st_ino, head) != (found.inode, found.head) or seen.st_size < found.offset:
        # Another file, or one that was cut: it is read anew.
        found.offset, found.heads, found.events = 0, set(), []
    found.inode, found.head = seen.st_ino, os.pread(handle, min(64, seen.st_size), 0)
    found.heads |= {_head(made.cluster, -1) for made in clusters}
    until = found.offset + most_bytes
    while found.offset < until:
        piece = os.pread(handle, min(_PIECE_BYTES, until - found.offset), found.offset)
        end = piece.rfind(EVENT_END)
        if end < 0:
            if len(piece) > _LONGEST_EVENT_BYTES:
                found.offset += len(piece)
                continue
            break
        end += len(EVENT_END)
        _take(found, piece[:end], job)
        found.offset += end
    return seen.st_size


def _take(found: _Found, piece: bytes, job: int) -> None:
    """Take the events of a piece that begins and ends between two of them."""
    note = EVENT_NOTE.encode() + b"%d\n" % job
    for place in _places(piece, note):
        begin = piece.rfind(EVENT_END, 0, place)
        text = piece[begin + len(EVENT_END) if begin >= 0 else 0 : place]
        if head := _SUBMIT_HEAD.match(text):
            found.heads.add(head[1])
    places = sorted({piece.rfind(b"\n", 0, place) + 1 for head in found.heads for place in _places(piece, head)})
    taken = 0
    for begin in places:
        if begin < taken:
            continue
        taken = piece.index(EVENT_END, begin) + len(EVENT_END)
        events = (event for event in read_events(piece[begin:taken]) if event is not None)
        found.events += [event for event in events if _head(event.cluster, event.proc) in found.heads]
    _keep_few(found.events)


def _head(cluster: int, proc: int) -> bytes:
    """Return how HTCondor writes whose event it is."""
    return b"(%03d.%03d.000) " % (cluster, proc)


def _places(piece: bytes, text: bytes) -> list[int]:
    places = []
    place = piece.find(text)
    while place >= 0:
        places.append(place)
        place = piece.find(text, place + 1)
    return places


_SUBMIT_HEAD = re.compile(rb"000 (\(\d+\.\d+\.000\) )")


def _keep_few(events: list[LogEvent]) -> None:
    beats = [place for place, event in enumerate(events) if event.text]
    for place in reversed(beats[: max(0, len(events) - _MOST_EVENTS)]):
        del events[place]
