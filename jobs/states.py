"""The states of a job as people see them, and which event of HTCondor's log leads to which: data, not branches."""

from __future__ import annotations

from enum import StrEnum

import htcondor2

__all__ = ["DISPLAY_ORDER", "FINAL", "STATE_AFTER", "JobState"]


class JobState(StrEnum):
    """Where a job of the manifest stands."""

    HELD = "held"
    FAILED = "failed"
    RUNNING = "running"
    IDLE = "idle"
    PENDING = "pending"
    """Not yet materialized by HTCondor, or its block not yet submitted."""
    DONE = "done"


DISPLAY_ORDER = (JobState.HELD, JobState.FAILED, JobState.RUNNING, JobState.IDLE, JobState.PENDING, JobState.DONE)
"""What a person looks for first comes first."""

FINAL = frozenset({JobState.DONE, JobState.FAILED})

_Event = htcondor2.JobEventType

STATE_AFTER: dict[int, JobState] = {
    _Event.SUBMIT: JobState.IDLE,
    _Event.EXECUTE: JobState.RUNNING,
    _Event.JOB_EVICTED: JobState.IDLE,
    _Event.SHADOW_EXCEPTION: JobState.IDLE,
    _Event.EXECUTABLE_ERROR: JobState.IDLE,
    _Event.JOB_RECONNECT_FAILED: JobState.IDLE,
    _Event.JOB_HELD: JobState.HELD,
    _Event.JOB_RELEASED: JobState.IDLE,
    _Event.JOB_ABORTED: JobState.FAILED,
}
"""State after each event; JOB_TERMINATED is decided by the exit status, every other event changes nothing."""
