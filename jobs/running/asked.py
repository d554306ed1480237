"""What people asked of single jobs: to run again, to be held, to be released. One file a block, appended to.

It is written before anything is done, so that a request outlives whatever is killed, and read by everyone who decides
which jobs run. A request to retry names the failure that it is about, by cluster and by the number of records: it is
answered as soon as the job has another one, whatever the clocks of workers say.
"""

from __future__ import annotations

import getpass
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.errors import CampaignError
from jobs.running.ranges import read_ranges, write_ranges

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.layout import BlockFolder

__all__ = [
    "HELD_BY_PERSON",
    "Asked",
    "AskedReader",
    "Hold",
    "Retry",
    "note_hold",
    "note_release",
    "note_retry",
    "read_asked",
    "reason_of",
    "who_asks",
]


@dataclass(frozen=True)
class Retry:
    """A request to run a failed job again.

    Attributes:
        at: seconds since the epoch.
        cluster: of the failure; -1 if the job never had one.
        records: that the job had then.

    """

    at: float
    cluster: int
    records: int


@dataclass(frozen=True)
class Hold:
    """A request to hold a job until a person releases it."""

    at: float
    who: str
    why: str


@dataclass(frozen=True)
class Asked:
    """What people asked of the jobs of one block.

    Attributes:
        retries: the newest request of each job that was to be run again.
        left: clusters that each such job failed in when people asked: it is in none of them any more.
        holds: jobs that are to be held, and were not released since.

    """

    retries: Mapping[int, Retry] = field(default_factory=dict)
    left: Mapping[int, frozenset[int]] = field(default_factory=dict)
    holds: Mapping[int, Hold] = field(default_factory=dict)


HELD_BY_PERSON = "sonicgrid hold"
"""What the reason of a hold begins with that was asked for here; HTCondor's own command leaves `via condor_hold`."""


def reason_of(hold: Hold) -> str:
    """Return the reason that a held job shows."""
    return f"{HELD_BY_PERSON} by {hold.who}" + (f": {hold.why}" if hold.why else "")


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: Literal["retry", "hold", "release"]
    jobs: str
    at: float
    who: str
    why: str = ""
    cluster: int = -1
    records: int = 0


def who_asks() -> str:
    """Return who runs this command, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account that no file knows
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"


def note_retry(folder: BlockFolder, jobs: Mapping[int, tuple[int, int]], why: str = "") -> None:
    """Write down that jobs are to run again.

    Args:
        folder: of their block.
        jobs: cluster of the failure and number of records, by job.
        why: in the words of who asks.

    Raises:
        CampaignError: the file cannot be written.

    """
    groups: dict[tuple[int, int], list[int]] = {}
    for job, failure in sorted(jobs.items()):
        groups.setdefault(failure, []).append(job)
    now, who = time.time(), who_asks()
    _append(
        folder,
        [
            _Line(asked="retry", jobs=write_ranges(some), at=now, who=who, why=why, cluster=cluster, records=records)
            for (cluster, records), some in groups.items()
        ],
    )


def note_hold(folder: BlockFolder, jobs: Iterable[int], why: str = "") -> None:
    """Write down that jobs are to be held until they are released.

    Raises:
        CampaignError: the file cannot be written.

    """
    _append(folder, [_Line(asked="hold", jobs=write_ranges(sorted(jobs)), at=time.time(), who=who_asks(), why=why)])


def note_release(folder: BlockFolder, jobs: Iterable[int]) -> None:
    """Write down that jobs are held no longer.

    Raises:
        CampaignError: the file cannot be written.

    """
    _append(folder, [_Line(asked="release", jobs=write_ranges(sorted(jobs)), at=time.time(), who=who_asks())])


def read_asked(folder: BlockFolder) -> Asked:
    """Return what was asked; a line that a crash cut short is passed over."""
    try:
        content = folder.asked.read_bytes()
    except FileNotFoundError:
        return Asked()
    retries: dict[int, Retry] = {}
    left: dict[int, frozenset[int]] = {}
    holds: dict[int, Hold] = {}
    for text in content.splitlines():
        try:
            line = _Line.model_validate_json(text)
            jobs = read_ranges(line.jobs)
        except (ValidationError, ValueError):
            continue
        for job in jobs:
            if line.asked == "retry":
                retries[job] = Retry(line.at, line.cluster, line.records)
                left[job] = left.get(job, frozenset()) | {line.cluster}
            elif line.asked == "hold":
                holds[job] = Hold(line.at, line.who, line.why)
            else:
                holds.pop(job, None)
    return Asked(retries, left, holds)


class AskedReader:
    """Knows what was asked in a block, and reads it again only when there is more."""

    def __init__(self, folder: BlockFolder) -> None:
        self._folder = folder
        self._stamp = (0, 0)
        self.asked = Asked()

    def look(self) -> bool:
        """Read what is new; returns whether there was anything."""
        try:
            status = self._folder.asked.stat()
        except FileNotFoundError:
            return False
        stamp = (status.st_size, status.st_mtime_ns)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.asked = read_asked(self._folder)
        return True


def _append(folder: BlockFolder, lines: Iterable[_Line]) -> None:
    content = b"".join(line.model_dump_json().encode() + b"\n" for line in lines)
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        with folder.asked.open("a+b") as file:
            # What a crash cut short must not spoil the first of these.
            whole = file.tell() == 0 or (file.seek(-1, os.SEEK_END) >= 0 and file.read(1) == b"\n")
            file.write((b"" if whole else b"\n") + content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        message = f"{folder.asked}: cannot be written: {error.strerror or error}; nothing was asked for"
        raise CampaignError(message) from error
