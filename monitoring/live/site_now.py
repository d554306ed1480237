"""One site of a campaign at one moment, in the numbers that its administrator asks for first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.states import JobState
from monitoring.live.bins import Span
from monitoring.live.campaign_now import ENDED_S, RATE_S
from monitoring.live.heard import seen_until, told_until
from monitoring.live.links import grid_now, links_now, throttle_now
from monitoring.live.pool import latency_in
from monitoring.live.rates import rates_in
from monitoring.live.states import campaign_began, count_states
from monitoring.store.schema import BIN_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from monitoring.live.links import LinkNow
    from monitoring.live.pool import Latency
    from monitoring.live.rates import Rates

__all__ = ["SiteNow", "site_now", "sites_known"]


@dataclass(frozen=True)
class SiteNow:
    """One site.

    Attributes:
        jobs: by state, of those whose newest attempt was there; every state is there.
        link: its uplink; None where nothing runs and no site config is in force.
        told: rates of the last five minutes that all jobs have told of; None where none was there.
        ended: rates of what ended in the last hour; None where nothing was there.
        latency: of the requests of the last five minutes.

    """

    jobs: Mapping[str, int]
    link: LinkNow | None
    told: Rates | None
    ended: Rates | None
    latency: Latency


def sites_known(connection: sqlite3.Connection) -> list[str]:
    """Return every site of a campaign: of a site config in force, of the throttle, of a job, or of a heartbeat."""
    throttle = throttle_now(connection)
    found = {one.group for one in count_states(connection, "site")} | {*grid_now(connection)["sites"]}
    found |= {*throttle.sites} if throttle else set()
    # Jobs may have gone on elsewhere since.
    found |= {row[0] for row in connection.execute("SELECT DISTINCT site FROM rollups WHERE bin_s = ?", (BIN_S,))}
    return sorted(found - {""})


def site_now(connection: sqlite3.Connection, now: float, site: str) -> SiteNow:
    """Return where a site stands.

    Args:
        connection: of the store.
        now: seconds since the epoch.
        site: its name.

    """
    seen, told = seen_until(connection, now), told_until(connection, now)
    began = campaign_began(connection) or seen
    lately = Span(told - RATE_S, told)
    return SiteNow(
        jobs={str(state): 0 for state in JobState}
        | {one.state: one.jobs for one in count_states(connection, "site") if one.group == site},
        link=next((one for one in links_now(connection, now) if one.name == site and not one.shared), None),
        told=rates_in(connection, lately, "site").get(site),
        ended=rates_in(connection, Span(min(seen, max(began, seen - ENDED_S)), seen), "site").get(site),
        latency=latency_in(connection, lately, site),
    )
