"""Mb/s of every site and shared link against what it may have, and what the throttle says about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from jobs.throttle.state import ThrottleState
from monitoring.live.rates import MBPS_PER_BYTE_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

__all__ = [
    "Decided",
    "Edited",
    "LinkNow",
    "decisions",
    "edits",
    "grid_now",
    "links_now",
    "throttle_looked",
    "throttle_now",
]

FRESH_S = 180.0
"""A running job that was not heard of for longer is not counted as sending."""


@dataclass(frozen=True)
class LinkNow:
    """One link.

    Attributes:
        name: of the site, or of the shared link.
        shared: whether it is one that several sites go through.
        sites: that go through it.
        budget_mbps: that its jobs may send together.
        sent_mbps: on the wire, summed over the last minute of every job that runs.
        running: jobs that run there, as far as their site is known.
        admitted, room: jobs that may run in the end, and now; of a site.
        share_mbps: what one job may send; of a site.
        binds: what keeps the site from more, in the throttle's words.
        job_mbps: what a job is taken to need; of a site.
        limited: whether a budget is in force; there is none for a site that no site config in force names.

    """

    name: str
    shared: bool
    sites: tuple[str, ...]
    budget_mbps: float
    sent_mbps: float
    running: int
    admitted: int | None = None
    room: int | None = None
    share_mbps: float | None = None
    binds: str = ""
    job_mbps: float | None = None
    limited: bool = True

    @property
    def used(self) -> float | None:
        """Part of the budget that is used; None where there is none."""
        return self.sent_mbps / self.budget_mbps if self.budget_mbps else None


@dataclass(frozen=True)
class Decided:
    """A decision of the throttle; units as in docs/reference/throttle.md."""

    at: float
    site: str
    budget_mbps: float
    mbps_per_job: float
    origin: str
    admitted: int
    binds: str
    reason: str


@dataclass(frozen=True)
class Edited:
    """A key of a site config that somebody changed while the campaign ran."""

    at: float
    who: str
    file: str
    key: str
    before: str
    after: str


def links_now(connection: sqlite3.Connection, now: float) -> list[LinkNow]:
    """Return every link that the campaign uses, sites first; of a site without site config in force the budget is 0."""
    sent = {
        row[0]: (float(row[1] or 0.0), int(row[2]))
        for row in connection.execute(
            "SELECT site, sum(CASE WHEN beat_window_s > 0 AND beat_at > ? THEN beat_bytes_sent / beat_window_s END) "
            "* ?, count(*) FROM jobs WHERE state = 'running' GROUP BY site",
            (now - FRESH_S, MBPS_PER_BYTE_S),
        )
    }
    grid, throttle = grid_now(connection), throttle_now(connection)
    states = throttle.sites if throttle else {}
    links = []
    for name in sorted({*grid["sites"], *(site for site in sent if site)}):
        keys = grid["sites"].get(name, {})
        state = states.get(name)
        mbps, running = sent.get(name, (0.0, 0))
        budget_mbps = float(keys.get("budget_mbps", 0.0))
        if state is None:
            links.append(LinkNow(name, False, (name,), budget_mbps, mbps, running, limited=name in grid["sites"]))
            continue
        links.append(
            LinkNow(
                name,
                shared=False,
                sites=(name,),
                budget_mbps=budget_mbps,
                sent_mbps=mbps,
                running=running,
                admitted=state.admitted,
                room=state.room,
                share_mbps=state.share_mbps,
                binds=state.binds,
                job_mbps=state.rate_mbps,
                limited=name in grid["sites"],
            )
        )
    for name, budget_mbps in sorted(grid["shared_links"].items()):
        users = tuple(site for site, keys in grid["sites"].items() if name in keys["shared_links"])
        if not users:
            continue
        flows = [sent.get(site, (0.0, 0)) for site in users]
        links.append(
            LinkNow(name, True, users, budget_mbps, sum(mbps for mbps, _ in flows), sum(jobs for _, jobs in flows))
        )
    return links


def decisions(connection: sqlite3.Connection, site: str = "", most: int = 20) -> list[Decided]:
    """Return the throttle's last decisions, newest first, of one site or of all."""
    rows = connection.execute(
        "SELECT at, site, budget_mbps, mbps_per_job, origin, admitted, binds, reason FROM decisions "
        "WHERE ? IN ('', site) ORDER BY at DESC, rowid DESC LIMIT ?",
        (site, most),
    )
    return [Decided(*row) for row in rows]


def edits(connection: sqlite3.Connection, most: int = 20) -> list[Edited]:
    """Return the last changes of site configs in force, newest first."""
    rows = connection.execute(
        "SELECT at, who, file, key, before, after FROM edits ORDER BY at DESC, rowid DESC LIMIT ?", (most,)
    )
    return [Edited(*row) for row in rows]


def throttle_now(connection: sqlite3.Connection) -> ThrottleState | None:
    """Return what the throttle decided last; None before its first decision."""
    found = _latest(connection, "throttle")
    try:
        return ThrottleState.model_validate(found) if found else None
    except ValidationError:
        return None


def throttle_looked(connection: sqlite3.Connection) -> float | None:
    """Return when the throttle looked last, seconds since the epoch; None where it never did."""
    row = connection.execute("SELECT at FROM latest WHERE name = 'throttle'").fetchone()
    return None if row is None else float(row[0])


def grid_now(connection: sqlite3.Connection) -> Mapping[str, Any]:
    """Return the sites, shared links and GPU pools in force, by name; Mb/s and jobs."""
    return {"sites": {}, "shared_links": {}, "gpu_pools": {}, **_latest(connection, "grid")}


def _latest(connection: sqlite3.Connection, name: str) -> dict[str, Any]:
    row = connection.execute("SELECT json FROM latest WHERE name = ?", (name,)).fetchone()
    return dict(json.loads(row[0])) if row else {}
