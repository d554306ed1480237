"""Metrics of a campaign as a whole: when it will be done, and how fresh what is known of it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.live.eta import estimate
from monitoring.prometheus.metric import Metric, Reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["COLLECTOR_FRESH_S", "METRICS", "READABLE", "read_campaign"]

COLLECTOR_FRESH_S = 60.0
"""A collector writes every few seconds; one that has not for longer is not up."""

_CAMPAIGN = ("campaign",)
_ESTIMATE = "heartbeats of the last hour"
_COLLECTOR = "the collector"

READABLE = Metric(
    "sonicgrid_campaign_readable",
    "gauge",
    "1 or 0",
    _CAMPAIGN,
    "Whether the campaign's store can be read; where it cannot, this is the campaign's only metric.",
    "the store",
)
ETA = Metric(
    "sonicgrid_eta_seconds",
    "gauge",
    "seconds",
    _CAMPAIGN,
    "Time until the last event is done; absent while there is no estimate.",
    _ESTIMATE,
)
ETA_LOW = Metric(
    "sonicgrid_eta_low_seconds", "gauge", "seconds", _CAMPAIGN, "Near end of the estimate's 68 % interval.", _ESTIMATE
)
ETA_HIGH = Metric(
    "sonicgrid_eta_high_seconds", "gauge", "seconds", _CAMPAIGN, "Far end of the estimate's 68 % interval.", _ESTIMATE
)
UP = Metric(
    "sonicgrid_collector_up",
    "gauge",
    "1 or 0",
    _CAMPAIGN,
    f"Whether the campaign's collector wrote within the last {COLLECTOR_FRESH_S:.0f} s.",
    _COLLECTOR,
)
BEHIND = Metric(
    "sonicgrid_collector_behind",
    "gauge",
    "1 or 0",
    _CAMPAIGN,
    "Whether the campaign's collector still catches up with logs and records.",
    _COLLECTOR,
)
HEARD = Metric(
    "sonicgrid_last_heard_timestamp_seconds",
    "gauge",
    "seconds since the epoch",
    _CAMPAIGN,
    "When the store was written last; absent before that.",
    _COLLECTOR,
)
BEAT = Metric(
    "sonicgrid_last_heartbeat_timestamp_seconds",
    "gauge",
    "seconds since the epoch",
    _CAMPAIGN,
    "When the last heartbeat of a job that runs came; absent where none does.",
    "heartbeats",
)
NOTES = Metric(
    "sonicgrid_standing_notes",
    "gauge",
    "notes",
    _CAMPAIGN,
    "What the collector found wrong and is so still; the campaign's page says what.",
    _COLLECTOR,
)
METRICS = (READABLE, ETA, ETA_LOW, ETA_HIGH, UP, BEHIND, HEARD, BEAT, NOTES)


def read_campaign(connection: sqlite3.Connection, now: float) -> Iterator[Reading]:
    """Read when a campaign will be done, and what its collector says of itself; `now` in seconds since the epoch."""
    left = estimate(connection, now)
    at, behind = _collector(connection)
    heard = at if at is not None else connection.execute("SELECT max(at) FROM latest").fetchone()[0]
    beat = connection.execute("SELECT max(beat_at) FROM jobs WHERE state = ?", (JobState.RUNNING,)).fetchone()[0]
    standing = connection.execute("SELECT count(*) FROM notes WHERE standing").fetchone()[0]
    values = {
        READABLE: 1,
        ETA: left.left_s,
        ETA_LOW: left.low_s,
        ETA_HIGH: left.high_s,
        UP: int(at is not None and now - at <= COLLECTOR_FRESH_S),
        BEHIND: behind,
        HEARD: heard,
        BEAT: beat or None,
        NOTES: standing,
    }
    yield from (Reading(metric, (), value) for metric, value in values.items() if value is not None)


def _collector(connection: sqlite3.Connection) -> tuple[float | None, int | None]:
    """Return when the collector wrote, and whether it was behind; None where it did not say."""
    row = connection.execute("SELECT at, json FROM latest WHERE name = 'collector'").fetchone()
    if row is None:
        return None, None
    said = json.loads(row[1])
    return float(said.get("at", row[0])), int(bool(said.get("behind", False)))
