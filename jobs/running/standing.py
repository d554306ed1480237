"""How the events of HTCondor's log become the state of a job: the rules that everybody who follows a log shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import htcondor2

from jobs.running.clusters import read_clusters
from jobs.running.queue import GIVEN_BACK
from jobs.states import FINAL, STATE_AFTER, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobs.layout import BlockFolder
    from jobs.running.asked import Retry

__all__ = [
    "EndedAttempt",
    "LogEvent",
    "Standing",
    "after",
    "ended_attempt",
    "given_up",
    "gives_up",
    "is_asked_for",
    "is_final",
    "jobs_given_up",
    "submitted",
]

_Type = htcondor2.JobEventType
_EXECUTE, _TERMINATED = int(_Type.EXECUTE), int(_Type.JOB_TERMINATED)
_ABORTED, _CLUSTER_REMOVE = int(_Type.JOB_ABORTED), int(_Type.CLUSTER_REMOVE)

_BY_JOB_POLICY = 3
"""HoldReasonCode of a hold by the job's own expressions."""


class EndedAttempt(NamedTuple):
    """An attempt that ended by itself, well or not.

    Attributes:
        job: number in the manifest.
        cluster, attempt: numbers by which its record is named.
        at: when, seconds since the epoch.
        machine: name of the worker, as slots call it.
        exit_code: exit status; -1 if a signal ended it.
        what: how it ended, in words.

    """

    job: int
    cluster: int
    attempt: int
    at: float
    machine: str
    exit_code: int
    what: str


class LogEvent(NamedTuple):
    """One event of HTCondor's log, as far as it says something about a campaign's job.

    Attributes:
        type: a `JobEventType`.
        cluster, proc: whose; the proc is -1 for what concerns the cluster.
        at: when, seconds since the epoch.
        job: number in the manifest, of a submit event with our note; otherwise -1.
        exit_code: of an attempt that ended by itself; otherwise -1.
        signal: that ended an attempt; empty if none did.
        reason: why a job is held, released, removed or sent back, in HTCondor's words.
        hold_code, hold_subcode: HoldReasonCode and its subcode; 0 for every other event.
        host: address of the slot that a job starts on, as HTCondor writes it.
        slot: name of that slot.
        text: of a line that the job wrote itself.
        complete: false for a cluster that left the queue before all its jobs were materialized.
        memory_mb, disk_mb: what the attempt used, of the event of its end; negative where HTCondor does not say.

    """

    type: int
    cluster: int
    proc: int
    at: float
    job: int = -1
    exit_code: int = -1
    signal: str = ""
    reason: str = ""
    hold_code: int = 0
    hold_subcode: int = 0
    host: str = ""
    slot: str = ""
    text: str = ""
    complete: bool = True
    memory_mb: float = -1.0
    disk_mb: float = -1.0


class Standing(NamedTuple):
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


def submitted(event: LogEvent) -> Standing:
    """Return where a job stands that was just materialized."""
    return Standing(JobState.IDLE, event.cluster, event.proc, since=event.at)


def after(before: Standing, event: LogEvent) -> Standing:
    """Return where a job stands after an event about it; an echo of a cluster that was given up changes nothing."""
    if before.cluster != event.cluster:
        return before
    if event.type == _TERMINATED:
        code = event.exit_code
        signal = "" if code >= 0 else f"killed by signal {event.signal or '?'}"
        state = JobState.DONE if code == 0 else JobState.FAILED
        return before._replace(state=state, exit_code=code, since=event.at, reason=signal)
    state_after = STATE_AFTER.get(event.type)
    if state_after is None:
        return before
    if event.type == _ABORTED and GIVEN_BACK in event.reason:
        return Standing(since=event.at)
    starting = event.type == _EXECUTE
    return before._replace(
        state=state_after,
        starts=before.starts + starting,
        host=event.host if starting else before.host,
        since=event.at,
        reason="" if starting else event.reason,
    )


def gives_up(event: LogEvent) -> bool:
    """Return whether the event says that a cluster materializes no more jobs although it had some left."""
    return event.type == _CLUSTER_REMOVE and not event.complete


def jobs_given_up(folder: BlockFolder, cluster: int, jobs: Iterable[int]) -> tuple[int, ...]:
    """Return which of a block's jobs a cluster that was removed would have materialized.

    Args:
        folder: of the block.
        cluster: that was removed.
        jobs: all of the block, for a cluster that nobody wrote down.

    """
    made = {one.cluster: one for one in read_clusters(folder)}.get(cluster)
    if made is None:
        return tuple(jobs)
    return () if made.returned else made.jobs


def given_up(before: Standing, event: LogEvent) -> Standing:
    """Return where a job stands whose cluster was removed: failed, if it had not come up yet."""
    if before.state is not JobState.PENDING:
        return before
    reason = "its cluster was removed before the job came up"
    return Standing(JobState.FAILED, cluster=event.cluster, since=event.at, reason=reason)


def is_final(standing: Standing, since: float) -> bool:
    """Return whether a job has ended after a moment, seconds since the epoch."""
    return standing.state in FINAL and standing.since > since


def is_asked_for(standing: Standing, retry: Retry) -> bool:
    """Return whether a job still stands as it did when a person asked to run it again."""
    return standing.state is JobState.FAILED and standing.cluster == retry.cluster


def ended_attempt(standing: Standing, job: int, machine: str, event: LogEvent) -> EndedAttempt | None:
    """Return the attempt that an event ends, or None if it ends none by itself.

    Args:
        standing: of the job before the event.
        job: its number in the manifest.
        machine: name of the worker.
        event: about the job.

    """
    if event.type == _Type.JOB_HELD:
        # Held by its own expressions, for what its exit status says.
        code = event.hold_subcode if event.hold_code == _BY_JOB_POLICY else -1
        if code < 0:
            return None
        what = f"exit status {code}"
    elif event.type in (_Type.JOB_TERMINATED, _Type.JOB_EVICTED) and (event.exit_code >= 0 or event.signal):
        code = event.exit_code
        what = f"exit status {code}" if code >= 0 else f"signal {event.signal}"
    else:
        return None
    return EndedAttempt(job, event.cluster, max(0, standing.starts - 1), event.at, machine, code, what)
