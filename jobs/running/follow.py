"""Where the jobs of a block stand, read from HTCondor's event log as it grows: no polling of the queue.

Every job writes its number of the manifest into its submit event (`submit_event_notes`), so that the log alone tells
which job an event is about, whichever cluster of the block it came from. Running jobs write their heartbeats into the
same log.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import htcondor2

from jobs.errors import CampaignError
from jobs.heartbeat import decode
from jobs.running.clusters import read_clusters
from jobs.running.describe import EVENT_NOTE
from jobs.running.queue import GIVEN_BACK
from jobs.states import FINAL, STATE_AFTER, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.heartbeat import Heartbeat
    from jobs.layout import BlockFolder

__all__ = ["BlockFollower", "Standing", "Told"]

_COMPLETE = 1
"""Completion of a cluster whose jobs were all materialized; one that was removed says another."""

_NOTE = re.compile(re.escape(EVENT_NOTE) + r"(\d+)")


@dataclass(frozen=True)
class Standing:
    """What the event log says of one job.

    Attributes:
        state: where it stands.
        cluster, proc: the newest that it had; -1 before its first.
        starts: how often it began to run in that cluster.
        exit_code: exit status of its end; -1 if it has none (not ended, removed, or killed by a signal).
        host: address of the slot it ran on last, as HTCondor writes it.
        since: time of the last change, seconds since the epoch.
        reason: why it is held, was removed or sent back, in HTCondor's words.

    """

    state: JobState = JobState.PENDING
    cluster: int = -1
    proc: int = -1
    starts: int = 0
    exit_code: int = -1
    host: str = ""
    since: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Told:
    """A heartbeat, and when it came, seconds since the epoch."""

    at: float
    heartbeat: Heartbeat


class BlockFollower:
    """Follows one block's event log; `poll` is cheap when nothing happened."""

    def __init__(self, folder: BlockFolder, jobs: Iterable[int]) -> None:
        self._folder = folder
        self._path = folder.events_log
        self._standings = {job: Standing() for job in jobs}
        self._job_of: dict[tuple[int, int], int] = {}
        self._log: htcondor2.JobEventLog | None = None
        self._told: list[Told] = []

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
                self._take(event)
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"{self._path}: HTCondor's event log cannot be read after {seen} events: {error}"
            raise CampaignError(message) from error
        return seen

    def unfinished(self, since: float = 0.0) -> set[int]:
        """Return the jobs that have not ended since a moment, seconds since the epoch."""
        return {job for job, standing in self._standings.items() if not _is_final(standing, since)}

    def heartbeats(self) -> list[Told]:
        """Return the heartbeats that came since the last call."""
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def _take(self, event: htcondor2.JobEvent) -> None:
        where = (event.cluster, event.proc)
        if event.type == htcondor2.JobEventType.GENERIC:
            self._hear(event)
            return
        if event.type == htcondor2.JobEventType.CLUSTER_REMOVE and event.get("Completion") != _COMPLETE:
            self._give_up_pending(event.cluster, event.timestamp)
        if event.type == htcondor2.JobEventType.SUBMIT:
            note = _NOTE.search(str(event.get("LogNotes", "")))
            if note and (job := int(note.group(1))) in self._standings:
                self._job_of[where] = job
                self._standings[job] = Standing(JobState.IDLE, *where, since=event.timestamp)
            return
        job_known = self._job_of.get(where)
        if job_known is None:
            return
        before = self._standings[job_known]
        if before.cluster != event.cluster:
            return  # an echo of a cluster that was given up
        self._standings[job_known] = _after(before, event)

    def _hear(self, event: htcondor2.JobEvent) -> None:
        """Take a heartbeat; a line that is cut short costs a minute's numbers, not the campaign."""
        with contextlib.suppress(CampaignError):
            heartbeat = decode(str(event.get("Info", "")))
            if heartbeat is not None:
                self._told.append(Told(event.timestamp, heartbeat))

    def _give_up_pending(self, cluster: int, at: float) -> None:
        """A cluster that was removed materializes no more jobs."""
        reason = "its cluster was removed before the job came up"
        given_up = Standing(JobState.FAILED, cluster=cluster, since=at, reason=reason)
        made = {one.cluster: one for one in read_clusters(self._folder)}.get(cluster)
        if made is not None and made.returned:
            return
        for job in self._standings if made is None else made.jobs:
            if job in self._standings and self._standings[job].state is JobState.PENDING:
                self._standings[job] = given_up


def _is_final(standing: Standing, since: float) -> bool:
    return standing.state in FINAL and standing.since > since


def _after(before: Standing, event: htcondor2.JobEvent) -> Standing:
    if event.type == htcondor2.JobEventType.JOB_TERMINATED:
        code = int(event["ReturnValue"]) if event.get("TerminatedNormally") else -1
        signal = "" if code >= 0 else f"killed by signal {event.get('TerminatedBySignal', '?')}"
        state = JobState.DONE if code == 0 else JobState.FAILED
        return replace(before, state=state, exit_code=code, since=event.timestamp, reason=signal)
    state_after = STATE_AFTER.get(event.type)
    if state_after is None:
        return before
    reason = str(event.get("HoldReason", event.get("Reason", "")))
    if event.type == htcondor2.JobEventType.JOB_ABORTED and GIVEN_BACK in reason:
        return Standing(since=event.timestamp)
    starting = event.type == htcondor2.JobEventType.EXECUTE
    return replace(
        before,
        state=state_after,
        starts=before.starts + starting,
        host=str(event.get("ExecuteHost", "")) if starting else before.host,
        since=event.timestamp,
        reason="" if starting else reason,
    )
