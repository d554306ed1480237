"""Why jobs wait, and what would let them go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.spec.links import LINKS_FILE
from jobs.throttle.allot import SHARED_LINK
from monitoring.live.waiting import (
    GPU_POOL,
    NO_SLOT,
    RAMP,
    SHARED,
    SITE_LINK,
    UNKNOWN,
    why_jobs_wait,
)
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import listed, number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.waiting import Waiting
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "waiting"]

EVERY_S = 5.0

_APPLY = "then `sonicgrid sites apply`"

_OTHER = {
    "most_jobs": f"a higher `most_jobs` in {{files}}, {_APPLY}",
    "jobs left": "nothing: as many run as are left",
    "the core, sooner done": "nothing: jobs that may run without the network are sooner done on the worker's core",
    "charges of running jobs": "jobs that end: those that run are still charged as when they were let in",
}
"""What lets jobs go on, by what the throttle says binds a site."""


def waiting(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Say for every idle and pending job what it waits for; on a site's page, of those that the site would take.

    A job that several sites would take is counted once, for the site that is nearest to taking it.
    """
    del now  # the throttle's last words, however old
    found = [one for one in why_jobs_wait(connection) if not site or site in one.sites]
    return Panel(
        "waiting",
        "Why jobs wait",
        _lead(found, site),
        Source(
            "Counts are of idle and pending jobs in the store; the reason is what the throttle wrote last into "
            "throttle.json about the sites that a job may run at, of these the one that is nearest to taking it.",
            (str(shown.folder.throttle), str(shown.folder.sites)),
        ),
        Table(
            (
                Column("reason", "Waits for"),
                Column("what", "In the throttle's words"),
                Column("sites", "At"),
                Column("jobs", "Jobs", "count"),
                Column("idle", "Idle", "count", link=f"{shown.path}/jobs?state=idle", note="in HTCondor's queue"),
                Column(
                    "pending", "Pending", "count", link=f"{shown.path}/jobs?state=pending", note="not in the queue yet"
                ),
                Column("to_go_on", "What lets them go on"),
            ),
            tuple(_row(one) for one in found),
            empty="No job waits.",
        ),
    )


def _lead(found: list[Waiting], site: str) -> str:
    jobs = sum(one.idle + one.pending for one in found)
    at = f" that {site} would take" if site else ""
    if not jobs:
        return f"No job{at} waits."
    first = found[0]
    most = first.idle + first.pending
    verb = "waits" if jobs == 1 else "wait"
    share = "" if len(found) == 1 else f", {most:,} of them"
    return f"{number_of(jobs, 'job')}{at} {verb}{share} for this: {_sentence(first)}. To go on: {_to_go_on(first)}."


def _sentence(one: Waiting) -> str:
    at = f" at {listed(one.sites)}" if one.sites else ""
    if one.reason == SITE_LINK:
        return f"the budget of the site's link is full{at}"
    if one.reason in (SHARED, GPU_POOL):
        return f"the {one.what} is full{at}"
    if one.reason == RAMP:
        return f"{one.what}{at}"
    if one.reason == NO_SLOT:
        return f"a free slot{at}"
    return f"{one.what}{at}"


def _to_go_on(one: Waiting) -> str:
    files = listed([f"{site}.yaml" for site in one.sites]) or "the site configs"
    if one.reason == NO_SLOT:
        return f"free slots there, or a wider `slots` in {files}"
    if one.reason == RAMP:
        return f"time; `ramp` in {files} says how many may start in a minute"
    if one.reason == SITE_LINK:
        return f"a higher `uplink` or `campaign_share` in {files}, {_APPLY}"
    if one.reason == SHARED:
        name = one.what.removeprefix(SHARED_LINK)
        return f"a higher `rate` or `campaign_share` of `shared_links.{name}` in {LINKS_FILE}, {_APPLY}"
    if one.reason == GPU_POOL:
        name = one.what.removeprefix(GPU_POOL).strip()
        return f"more `gpus` or `jobs_per_gpu` of `gpu_pools.{name}` in {LINKS_FILE}, {_APPLY}"
    if one.reason == UNKNOWN:
        return "the throttle's first decision, which `sonicgrid submit` makes"
    return _OTHER.get(one.what, f"see what {files} allows").format(files=files)


def _row(one: Waiting) -> tuple[Cell, ...]:
    jobs = one.idle + one.pending
    return (one.reason, one.what, ", ".join(one.sites) or None, jobs, one.idle, one.pending, _to_go_on(one))
