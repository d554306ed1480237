"""Metrics of the manifest's jobs: where they stand, and what those that do not run wait for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jobs.states import DISPLAY_ORDER, JobState
from monitoring.live.waiting import REASONS, why_jobs_wait
from monitoring.prometheus.metric import Metric, Reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["HOLD_REASONS", "METRICS", "read_jobs"]

JOBS = Metric(
    "sonicgrid_jobs",
    "gauge",
    "jobs",
    ("campaign", "site", "flavour", "state"),
    "Jobs of the manifest by where they stand, each counted once; the site is empty before a job has one.",
    "event logs and outcomes of blocks",
)
PLANNED = Metric(
    "sonicgrid_events_planned",
    "gauge",
    "events",
    ("campaign",),
    "Events of the manifest.",
    "manifest",
)
DONE = Metric(
    "sonicgrid_events_done",
    "gauge",
    "events",
    ("campaign",),
    "Events of jobs that are done, each counted once.",
    "event logs and outcomes of blocks",
)
HELD = Metric(
    "sonicgrid_held_jobs",
    "gauge",
    "jobs",
    ("campaign", "reason"),
    "Jobs that HTCondor holds, by class of the reason.",
    "event logs",
)
WAITING = Metric(
    "sonicgrid_waiting_jobs",
    "gauge",
    "jobs",
    ("campaign", "reason", "state"),
    "Jobs that wait, by what keeps them: idle ones are in HTCondor's queue, pending ones not yet.",
    "event logs, HTCondor's queue and the throttle",
)
METRICS = (JOBS, PLANNED, DONE, HELD, WAITING)

HOLD_REASONS = {
    1: "person",
    3: "inference pool away",
    6: "start on worker",
    12: "output transfer",
    13: "input transfer",
    21: "start by HTCondor",
    26: "pool policy",
    34: "memory",
    46: "run time",
    47: "run time",
}
"""By HTCondor's HoldReasonCode; all others are `other`."""

_OTHER = "other"


def read_jobs(connection: sqlite3.Connection) -> Iterator[Reading]:
    """Count the jobs; states and reasons that no job has are 0, so that their series do not end."""
    counts: Counter[tuple[str, str, str]] = Counter()
    planned = done = 0
    rows = connection.execute("SELECT site, flavour, state, count(*), sum(events) FROM jobs GROUP BY state, 1, 2")
    for site, flavour, state, jobs, events in rows:
        counts[site, flavour, state] = jobs
        planned += events
        done += events if state == JobState.DONE else 0
    for site, flavour in sorted({key[:2] for key in counts}):
        for state in DISPLAY_ORDER:
            yield Reading(JOBS, (site, flavour, str(state)), counts[site, flavour, str(state)])
    yield Reading(PLANNED, (), planned)
    yield Reading(DONE, (), done)
    yield from _held(connection)
    yield from _waiting(connection)


def _held(connection: sqlite3.Connection) -> Iterator[Reading]:
    jobs = Counter(dict.fromkeys((*HOLD_REASONS.values(), _OTHER), 0))
    rows = connection.execute("SELECT hold_code, count(*) FROM jobs WHERE state = ? GROUP BY 1", (JobState.HELD,))
    for code, count in rows:
        jobs[HOLD_REASONS.get(code, _OTHER)] += count
    for reason, count in jobs.items():
        yield Reading(HELD, (reason,), count)


def _waiting(connection: sqlite3.Connection) -> Iterator[Reading]:
    jobs: Counter[tuple[str, str]] = Counter()
    for group in why_jobs_wait(connection):
        jobs[group.reason, JobState.IDLE] += group.idle
        jobs[group.reason, JobState.PENDING] += group.pending
    for reason in REASONS:
        for state in (JobState.IDLE, JobState.PENDING):
            yield Reading(WAITING, (reason, str(state)), jobs[reason, state])
