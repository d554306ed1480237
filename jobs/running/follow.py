"""Where the jobs of a block stand, read from HTCondor's event log as it grows: no polling of the queue.

Every job writes its number of the manifest into its submit event (`submit_event_notes`), so that the log alone tells
which job an event is about, whichever cluster of the block it came from. Running jobs write their heartbeats into the
same log.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import CampaignError
from jobs.heartbeat import decode
from jobs.running.asked import AskedReader
from jobs.running.describe import EVENT_NOTE
from jobs.running.standing import (
    EndedAttempt,
    LogEvent,
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

__all__ = ["BlockFollower", "Standing", "Told", "log_event"]

_COMPLETE = 1
"""Completion of a cluster whose jobs were all materialized; one that was removed says another."""

_NOTE = re.compile(re.escape(EVENT_NOTE) + r"(\d+)")


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
        self._log: htcondor2.JobEventLog | None = None
        self._told: list[Told] = []
        self._machines: dict[int, str] = {}
        self._ended: list[EndedAttempt] = []
        self._asked = AskedReader(folder)

    @property
    def standings(self) -> Mapping[int, Standing]:
        """By job number of the manifest."""
        return self._standings

    def poll(self) -> int:
        """Read what was appended since the last call; returns the number of events.

        Raises:
            CampaignError: the log cannot be read.

        """
        if self._log is None:
            if not self._path.exists():
                return 0
            self._log = htcondor2.JobEventLog(str(self._path))
        seen = 0
        try:
            for event in self._log.events(stop_after=0):
                seen += 1
                self._take(log_event(event))
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"{self._path}: HTCondor's event log cannot be read after {seen} events: {error}"
            raise CampaignError(message) from error
        return seen

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

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

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


def log_event(event: htcondor2.JobEvent) -> LogEvent:
    """Return what HTCondor's bindings read from a log."""
    note = _NOTE.search(str(event.get("LogNotes", ""))) if event.type == htcondor2.JobEventType.SUBMIT else None
    # An attempt that is to be tried again at once ends with an eviction.
    ended = bool(event.get("TerminatedNormally")) and "ReturnValue" in event
    return LogEvent(
        type=event.type,
        cluster=event.cluster,
        proc=event.proc,
        at=event.timestamp,
        job=int(note.group(1)) if note else -1,
        exit_code=int(event["ReturnValue"]) if ended else -1,
        signal=str(event.get("TerminatedBySignal", "")),
        reason=str(event.get("HoldReason", event.get("Reason", ""))),
        hold_code=int(event.get("HoldReasonCode", 0)),
        hold_subcode=int(event.get("HoldReasonSubCode", 0)),
        host=str(event.get("ExecuteHost", "")),
        slot=str(event.get("SlotName", "")),
        text=str(event.get("Info", "")),
        complete=event.get("Completion", _COMPLETE) == _COMPLETE,
    )
