"""Why jobs wait: what keeps every site that they may run at from taking them now, by what the throttle says.

A job that may run at several sites waits for the first of them to take it: it is counted for the site that is nearest
to doing so, in the order of `REASONS`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.states import JobState
from jobs.throttle.allot import OWN_LINK, SHARED_LINK
from monitoring.live.links import grid_now, throttle_now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from jobs.throttle.state import SiteState

__all__ = ["REASONS", "Waiting", "why_jobs_wait"]

NO_SLOT = "no free slot"
RAMP = "ramp"
GPU_POOL = "GPU pool"
SHARED = "shared link"
SITE_LINK = "site link"
OTHER = "other"
UNKNOWN = "not known yet"
REASONS = (NO_SLOT, RAMP, GPU_POOL, SHARED, SITE_LINK, OTHER, UNKNOWN)
"""The nearest to running first."""


@dataclass(frozen=True)
class Waiting:
    """Jobs that wait for the same thing.

    Attributes:
        reason: one of `REASONS`.
        what: in the throttle's words, with the name of the link or GPU pool.
        sites: that would take them.
        idle: jobs that HTCondor has and that wait for a slot.
        pending: jobs that it has not materialized, or not been handed.

    """

    reason: str
    what: str
    sites: tuple[str, ...]
    idle: int
    pending: int


def why_jobs_wait(connection: sqlite3.Connection) -> list[Waiting]:
    """Say for every idle and pending job what it waits for; the most first."""
    throttle = throttle_now(connection)
    states: Mapping[str, SiteState] = throttle.sites if throttle else {}
    every = tuple(sorted(states or grid_now(connection)["sites"]))
    sites_of = _sites_of_blocks(connection)
    counts: Counter[tuple[str, str, tuple[str, ...], str]] = Counter()
    rows = connection.execute(
        "SELECT block, state, count(*) FROM jobs WHERE state IN (?, ?) GROUP BY 1, 2", (JobState.IDLE, JobState.PENDING)
    )
    for block, state, jobs in rows:
        reason, what, sites = _nearest(sites_of.get(block) or every, states)
        counts[reason, what, sites, state] += jobs
    groups = dict.fromkeys(key[:3] for key in counts)
    found = [
        Waiting(*key, idle=counts[(*key, str(JobState.IDLE))], pending=counts[(*key, str(JobState.PENDING))])
        for key in groups
    ]
    return sorted(found, key=lambda one: -(one.idle + one.pending))


def _sites_of_blocks(connection: sqlite3.Connection) -> dict[int, tuple[str, ...]]:
    """Return the sites whose slots the clusters of a block may take, as far as they are in the queue."""
    row = connection.execute("SELECT json FROM latest WHERE name = 'queue'").fetchone()
    found: dict[int, set[str]] = {}
    for cluster in json.loads(row[0])["clusters"] if row else ():
        found.setdefault(cluster["block"], set()).update(cluster["sites"])
    return {block: tuple(sorted(sites)) for block, sites in found.items()}


def _nearest(sites: Iterable[str], states: Mapping[str, SiteState]) -> tuple[str, str, tuple[str, ...]]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for site in sites:
        reasons.setdefault(_reason(states.get(site)), []).append(site)
    if not reasons:
        return UNKNOWN, "no site config is in force yet", ()
    first = min(reasons, key=lambda pair: REASONS.index(pair[0]))
    return (*first, tuple(reasons[first]))


def _reason(state: SiteState | None) -> tuple[str, str]:
    if state is None:
        return UNKNOWN, "the throttle has not decided yet"
    running = state.running + state.cpu_running
    if state.running < state.room:
        return NO_SLOT, f"{state.room - state.running} more may start, and no slot takes them"
    if running < state.admitted:
        return RAMP, "more are let in step by step"
    if state.binds == OWN_LINK:
        return SITE_LINK, state.binds
    if state.binds.startswith(SHARED_LINK):
        return SHARED, state.binds
    if state.binds.startswith(GPU_POOL):
        return GPU_POOL, state.binds
    return (NO_SLOT, state.binds) if state.binds == "slots" else (OTHER, state.binds)
