"""All links of a campaign now, one row each: how full they are, and what keeps their jobs from more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.budgets import edits_about
from monitoring.live.links import links_now
from monitoring.live.waiting import why_jobs_wait
from monitoring.panels.link_use import by_interest, link_tone, queue_of
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import figure, listed, number_of, percent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitoring.live.links import LinkNow
    from monitoring.live.waiting import Waiting
    from monitoring.panels.panel import Cell, Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "MOST_DRAWN", "links"]

EVERY_S = 2.0

MOST_ROWS = 100

MOST_DRAWN = 12
"""Links that are drawn over time on a campaign's page."""


def links(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "", shared: str = "") -> Panel:
    """List the links, the fullest first: of the campaign, or of what a site uses, or of those behind a shared link.

    Args:
        connection: of the store.
        shown: the campaign.
        now: seconds since the epoch.
        site: whose own link and shared links are listed; empty for all.
        shared: shared link that is listed with the links of its sites; empty for all.

    """
    found = links_now(connection, now)
    if site:
        found = [link for link in found if site in link.sites]
    if shared:
        users = next((link.sites for link in found if link.shared and link.name == shared), ())
        found = [link for link in found if (link.name == shared if link.shared else link.name in users)]
    every = by_interest(found)
    waiting = why_jobs_wait(connection)
    rows = [_row(connection, link, waiting, now) for link in every[: shown.at_most(MOST_ROWS)]]
    tones = {str(row[-1]) for row in rows}
    tone: Tone = "bad" if "bad" in tones else "warn" if "warn" in tones else ""
    return Panel(
        "links",
        "Links now",
        _lead(every, now, whole=not site and not shared),
        Source(
            "Mb/s sent: the last heartbeat of each job that runs, if it is not older than three minutes, with 5 % for "
            "framing. Budgets: sites.yaml, the site configs in force. Jobs admitted, room, share and what binds: the "
            "throttle's last look, throttle.json. A shared link carries the jobs of all its sites.",
            (str(shown.folder.sites), str(shown.folder.throttle)),
        ),
        Table(
            (
                Column("name", "Link", link=f"{shown.path}/site/{{name}}"),
                Column("through", "Sites", note="whose jobs go through it; its own only, for the uplink of a site"),
                Column("budget_mbps", "Budget", "mbps", note="rate times campaign share, for all campaigns together"),
                Column("sent_mbps", "Sent", "mbps", note="by this campaign's jobs in their last minute", tone="tone"),
                Column("used", "Used", "share", bar=True, tone="tone"),
                Column("running", "Running", "count", note="jobs"),
                Column("room", "May run now", "count", note="on the way to those admitted"),
                Column("admitted", "Admitted", "count", note="jobs that may run in the end"),
                Column("share_mbps", "Share", "mbps", note="what one job may send"),
                Column("job_mbps", "A job needs", "mbps", note="what the throttle takes it to be"),
                Column("binds", "Binds", note="what keeps the site from more jobs, in the throttle's words"),
                Column("queue", "Waiting", "count", note="jobs that this link keeps waiting"),
                Column("tone", ""),
            ),
            tuple(rows),
            empty="No site config is in force, and no job runs.",
        ),
        tone=tone,
    )


def _row(connection: sqlite3.Connection, link: LinkNow, waiting: Sequence[Waiting], now: float) -> tuple[Cell, ...]:
    over = link.sent_mbps > link.budget_mbps
    changed = edits_about(connection, link.name, shared=link.shared) if over else ()
    return (
        link.name,
        listed(link.sites, 5) if link.shared else link.name,
        link.budget_mbps if link.limited else None,
        link.sent_mbps,
        link.used,
        link.running,
        link.room,
        link.admitted,
        link.share_mbps,
        link.job_mbps,
        link.binds or None,
        queue_of(link, waiting),
        link_tone(link, changed, now),
    )


def _lead(every: Sequence[LinkNow], now: float, *, whole: bool) -> str:
    if not every:
        return "There is no link yet: no site config is in force."
    over = [link.name for link in every if link_tone(link, (), now)]
    first = every[0]
    lead = f"{number_of(len(every), 'link')}; "
    if over:
        lead += f"above the budget: {listed(over)}."
    elif first.used is None:
        lead += "none has a budget."
    else:
        lead += f"the fullest, {first.name}, uses {figure(first.sent_mbps)} of {figure(first.budget_mbps)} Mb/s"
        lead += f" ({percent(first.used)})."
    if whole and len(every) > MOST_DRAWN:
        lead += f" The {MOST_DRAWN} fullest are drawn above."
    return lead + (
        f" {MOST_ROWS} are listed, and {len(every) - MOST_ROWS:,} more only in the CSV."
        if len(every) > MOST_ROWS
        else ""
    )
