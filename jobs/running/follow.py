"""Where the jobs of a block stand, read from HTCondor's event log as it grows: no polling of the queue.

Every job writes its number of the manifest into its submit event (`submit_event_notes`), so that the log alone tells
which job an event is about, whichever cluster of the block it came from. Running jobs write their heartbeats into the
same log.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import CampaignError
from jobs.heartbeat import decode
from jobs.running.asked import AskedReader
from jobs.running.event_text import EVENT_END, read_events
from jobs.running.standing import (
    EndedAttempt,
    Standing,
    after,
    ended_attempt,
    given_up,
    gives_up,
    is_asked_for,
    is_final,
    jobs_given_up,
    submitted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.heartbeat import Heartbeat
    from jobs.layout import BlockFolder
    from jobs.running.standing import LogEvent

__all__ = ["BlockFollower", "Standing", "Told"]

_MOST_BYTES = 2 << 20
"""Read at once, so that a watcher's memory does not depend on the length of a log."""


@dataclass(frozen=True)
class Told:
    """A heartbeat, and when it came, seconds since the epoch."""

    at: float
    heartbeat: Heartbeat


class BlockFollower:
    """Follows one block's event log; `poll` is cheap when nothing happened.

    Args:
        folder: of the block.
        jobs: numbers of the manifest.
        attempts: whether to remember every attempt that ended, for `ended`, and the workers, for `machine_of`.

    """

    def __init__(self, folder: BlockFolder, jobs: Iterable[int], *, attempts: bool = False) -> None:
        self._with_attempts = attempts
        self._folder = folder
        self._path = folder.events_log
        self._standings = {job: Standing() for job in jobs}
        self._job_of: dict[tuple[int, int], int] = {}
        self._offset = 0
        self._told: list[Told] = []
        self._machines: dict[int, str] = {}
        self._ended: list[EndedAttempt] = []
        self._asked = AskedReader(folder)

    @property
    def standings(self) -> Mapping[int, Standing]:
        """By job number of the manifest."""
        return self._standings

    def poll(self) -> int:
        """Read what was appended since the last call; returns the number of events, damaged ones included.

        Raises:
            CampaignError: the log cannot be read.

        """
        seen = 0
        try:
            while data := self._read():
                for event in read_events(data):
                    seen += 1
                    if event is not None:
                        self._take(event)
        except FileNotFoundError:
            return seen
        except OSError as error:
            message = f"{self._path}: HTCondor's event log cannot be read: {error.strerror or error}"
            raise CampaignError(message) from error
        return seen

    def _read(self) -> bytes:
        """Return whole events from where the last ones ended; one that is being written is left for the next time."""
        with self._path.open("rb") as file:
            if file.seek(0, 2) < self._offset:
                # Another log, or what a repaired file system left of it; to take an event twice does no harm.
                self._offset = 0
            most = _MOST_BYTES
            while True:
                file.seek(self._offset)
                data = file.read(most)
                whole = data.rfind(EVENT_END)
                if whole >= 0 or len(data) < most:
                    break
                most *= 2
        data = data[: whole + len(EVENT_END)] if whole >= 0 else b""
        self._offset += len(data)
        return data

    def unfinished(self, since: float = 0.0) -> set[int]:
        """Return the jobs that have not ended since a moment, seconds since the epoch, or are to run again."""
        self._asked.look()
        retries = self._asked.asked.retries
        return {
            job
            for job, standing in self._standings.items()
            if not is_final(standing, since) or (job in retries and is_asked_for(standing, retries[job]))
        }

    def heartbeats(self) -> list[Told]:
        """Return the heartbeats that came since the last call."""
        told, self._told = self._told, []
        return told

    def _take(self, event: LogEvent) -> None:
        where = (event.cluster, event.proc)
        if event.type == htcondor2.JobEventType.GENERIC:
            self._hear(event)
        elif event.job in self._standings:
            self._job_of[where] = event.job
            self._standings[event.job] = submitted(event)
        elif gives_up(event):
            for job in jobs_given_up(self._folder, event.cluster, self._standings):
                if job in self._standings:
                    self._standings[job] = given_up(self._standings[job], event)
        elif where in self._job_of:
            job = self._job_of[where]
            if self._with_attempts:
                self._note_end(job, event)
            self._standings[job] = after(self._standings[job], event)

    def _note_end(self, job: int, event: LogEvent) -> None:
        if event.type == htcondor2.JobEventType.EXECUTE:
            # As HTCondor names a slot, SLOT@MACHINE.
            self._machines[job] = sys.intern(event.slot.rpartition("@")[2])
        elif self._standings[job].cluster == event.cluster:
            ended = ended_attempt(self._standings[job], job, self._machines.get(job, ""), event)
            if ended is not None:
                self._ended.append(ended)

    def machine_of(self, job: int) -> str:
        """Return the name of the worker that a job runs on or ran on last; empty if that is not known."""
        return self._machines.get(job, "")

    def ended(self) -> list[EndedAttempt]:
        """Return the attempts that ended by themselves since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def _hear(self, event: LogEvent) -> None:
        """Take a heartbeat; a line that is cut short costs a minute's numbers, not the campaign."""
        with contextlib.suppress(CampaignError):
            heartbeat = decode(event.text)
            if heartbeat is not None:
                self._told.append(Told(event.at, heartbeat))
