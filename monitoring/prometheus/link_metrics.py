"""Metrics of links and of what the throttle decided: bytes per second, as Prometheus wants base units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.links import grid_now, links_now, throttle_now
from monitoring.prometheus.metric import BYTES_S_PER_MBPS, Metric, Reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["METRICS", "read_links"]

_LINK = ("campaign", "link", "site")
_SITE = ("campaign", "site")
_THROTTLE = "the throttle"

BUDGET = Metric(
    "sonicgrid_link_budget_bytes_per_second",
    "gauge",
    "bytes per second on the wire; times 8e-6 in Mb/s",
    _LINK,
    "What the campaign's jobs may send through a link together; the site is empty for a shared link.",
    "site configs in force",
)
SENT = Metric(
    "sonicgrid_link_sent_bytes_per_second",
    "gauge",
    "bytes per second on the wire; times 8e-6 in Mb/s",
    _LINK,
    "What the campaign's jobs send through a link, framing included: the last minute of every job that runs.",
    "heartbeats",
)
RUNNING = Metric(
    "sonicgrid_site_running_jobs", "gauge", "jobs", _SITE, "Jobs that run at a site.", "event logs and heartbeats"
)
ADMITTED = Metric(
    "sonicgrid_site_admitted_jobs", "gauge", "jobs", _SITE, "Jobs that may run at a site in the end.", _THROTTLE
)
ROOM = Metric(
    "sonicgrid_site_room_jobs", "gauge", "jobs", _SITE, "Jobs that may run at a site now, on the way there.", _THROTTLE
)
SHARE = Metric(
    "sonicgrid_site_share_bytes_per_second",
    "gauge",
    "bytes per second on the wire",
    _SITE,
    "What one job at a site may send.",
    _THROTTLE,
)
NEED = Metric(
    "sonicgrid_site_job_need_bytes_per_second",
    "gauge",
    "bytes per second on the wire",
    _SITE,
    "What one job at a site is taken to need.",
    _THROTTLE,
)
DECISIONS = Metric(
    "sonicgrid_throttle_decisions_total",
    "counter",
    "decisions",
    _SITE,
    "Decisions of the throttle that changed something.",
    _THROTTLE,
)
EDITS = Metric(
    "sonicgrid_site_edits_total",
    "counter",
    "edits",
    ("campaign",),
    "Keys of site configs that somebody changed while the campaign ran.",
    "site configs in force",
)
LOOKED = Metric(
    "sonicgrid_throttle_last_look_timestamp_seconds",
    "gauge",
    "seconds since the epoch",
    ("campaign",),
    "When the throttle looked last; absent before it ever did.",
    _THROTTLE,
)
ASIDE = Metric(
    "sonicgrid_set_aside",
    "gauge",
    "hosts or sites",
    ("campaign", "kind"),
    "Hosts and sites that get no jobs because everything failed there; the campaign's page says which and why.",
    _THROTTLE,
)
METRICS = (BUDGET, SENT, RUNNING, ADMITTED, ROOM, SHARE, NEED, DECISIONS, EDITS, LOOKED, ASIDE)


def read_links(connection: sqlite3.Connection, now: float) -> Iterator[Reading]:
    """Read every link and site; a site without site config in force has no budget, and one of 0 is a closed one."""
    in_force = grid_now(connection)
    for link in links_now(connection, now):
        labels = (link.name, "" if link.shared else link.name)
        if link.name in in_force["shared_links" if link.shared else "sites"]:
            yield Reading(BUDGET, labels, link.budget_mbps * BYTES_S_PER_MBPS)
        yield Reading(SENT, labels, link.sent_mbps * BYTES_S_PER_MBPS)
        if link.shared:
            continue
        values = {
            RUNNING: link.running,
            ADMITTED: link.admitted,
            ROOM: link.room,
            SHARE: _bytes_s(link.share_mbps),
            NEED: _bytes_s(link.job_mbps),
        }
        yield from (Reading(metric, (link.name,), value) for metric, value in values.items() if value is not None)
    for site, count in connection.execute("SELECT site, count(*) FROM decisions GROUP BY 1"):
        yield Reading(DECISIONS, (site,), count)
    yield Reading(EDITS, (), connection.execute("SELECT count(*) FROM edits").fetchone()[0])
    throttle = throttle_now(connection)
    if throttle is not None:
        yield Reading(LOOKED, (), throttle.at)
        for kind in ("host", "site"):
            yield Reading(ASIDE, (kind,), sum(one.kind == kind for one in throttle.aside))


def _bytes_s(mbps: float | None) -> float | None:
    return None if mbps is None else mbps * BYTES_S_PER_MBPS
