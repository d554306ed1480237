"""A campaign at one moment, in the numbers that a person asks for first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jobs.states import JobState
from monitoring.live.bins import Span
from monitoring.live.eta import Estimate, Remaining, estimate, events_remaining
from monitoring.live.heard import heard_last, seen_until, told_until
from monitoring.live.links import links_now, throttle_looked
from monitoring.live.rates import rates_in
from monitoring.live.states import campaign_began, count_states

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

__all__ = ["CampaignNow", "Standing", "campaign_now"]

Standing = Literal["planned", "waiting", "running", "held", "failed", "done"]
"""`failed`: every job has ended, and some have failed."""

RATE_S = 300.0
"""Events/s are of so much of the past: what jobs say of one minute jumps."""

ENDED_S = 3600.0
"""Jobs/h are of the last hour."""

SILENT_S = 120.0
"""A throttle at work looks every few seconds."""


@dataclass(frozen=True)
class CampaignNow:
    """Where a campaign stands and how fast it goes.

    Attributes:
        jobs: by state; every state is there.
        remaining: events.
        estimate: when the last event is done.
        events_per_s: of the last five minutes that all jobs have told of; None before there are any.
        jobs_per_h: done in the last hour; None before the campaign is five minutes old.
        sent_mbps: on the wire, summed over the last minute of every job that runs.
        heard_at: when the last event of a job was heard of, seconds since the epoch; None before the first.
        unkept_s: for how long no throttle looked, seconds, while there are jobs to be let in; None where one does, or
            where none ever did.

    """

    jobs: Mapping[str, int]
    remaining: Remaining
    estimate: Estimate
    events_per_s: float | None
    jobs_per_h: float | None
    sent_mbps: float
    heard_at: float | None
    unkept_s: float | None

    @property
    def in_all(self) -> int:
        """Jobs of the manifest."""
        return sum(self.jobs.values())

    @property
    def done_share(self) -> float:
        """Part of the events that is done."""
        return self.remaining.done / self.remaining.planned if self.remaining.planned else 0.0

    @property
    def standing(self) -> Standing:
        """The campaign in a word."""
        if self.in_all and self.jobs[JobState.DONE] == self.in_all:
            return "done"
        if self.jobs[JobState.RUNNING]:
            return "running"
        if self.jobs[JobState.IDLE] or (self.jobs[JobState.PENDING] and self.heard_at is not None):
            return "waiting"
        if self.jobs[JobState.PENDING]:
            return "planned"
        return "held" if self.jobs[JobState.HELD] else "failed"


def campaign_now(connection: sqlite3.Connection, now: float) -> CampaignNow:
    """Return where a campaign stands.

    Args:
        connection: of the store.
        now: seconds since the epoch.

    """
    counts = count_states(connection)
    remaining = events_remaining(connection, counts)
    jobs = {str(state): 0 for state in JobState} | {count.state: count.jobs for count in counts}
    looked_at = throttle_looked(connection)
    to_let_in = jobs[JobState.RUNNING] + jobs[JobState.IDLE] + jobs[JobState.PENDING] > 0
    silent_s = now - looked_at if looked_at is not None and to_let_in else 0.0
    ended = _since(connection, seen_until(connection, now), ENDED_S)
    told = _since(connection, told_until(connection, now), RATE_S)
    return CampaignNow(
        jobs=jobs,
        remaining=remaining,
        estimate=estimate(connection, seen_until(connection, now), remaining),
        events_per_s=_rate(connection, told, "events_per_s"),
        jobs_per_h=_rate(connection, ended, "jobs_per_h"),
        sent_mbps=sum(link.sent_mbps for link in links_now(connection, now) if not link.shared),
        heard_at=heard_last(connection),
        unkept_s=silent_s if silent_s > SILENT_S else None,
    )


def _since(connection: sqlite3.Connection, until: float, length_s: float) -> Span | None:
    """Return the stretch before a moment; None where the campaign was not at work for five minutes of it."""
    began = campaign_began(connection)
    if began is None or until - began < RATE_S:
        return None
    return Span(max(began, until - length_s), until)


def _rate(
    connection: sqlite3.Connection, span: Span | None, name: Literal["events_per_s", "jobs_per_h"]
) -> float | None:
    if span is None:
        return None
    rates = rates_in(connection, span).get("")
    return float(getattr(rates, name)) if rates else 0.0
