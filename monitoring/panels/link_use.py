"""What a link carries, against what it may: the budget is drawn as it was at each time, with who changed it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from jobs.throttle.allot import OWN_LINK, SHARED_LINK, SLOTS
from monitoring.live.bins import HEARTBEAT_S, bins_of
from monitoring.live.budgets import budgets_of, edits_about
from monitoring.live.heard import LAG_S, last_complete, only_complete, told_until
from monitoring.live.links import decisions, links_now
from monitoring.live.quantities import over_time
from monitoring.live.waiting import SHARED, SITE_LINK, why_jobs_wait
from monitoring.panels.panel import Line, Mark, Panel, Plot, Source
from monitoring.panels.wording import figure, listed, number_of, percent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitoring.live.bins import Span
    from monitoring.live.links import Decided, Edited, LinkNow
    from monitoring.live.waiting import Waiting
    from monitoring.panels.panel import Tone
    from monitoring.panels.shown import Shown

__all__ = [
    "EVERY_S",
    "binding_words",
    "by_interest",
    "drawn",
    "link_key",
    "link_lead",
    "link_tone",
    "link_use",
    "queue_of",
]

EVERY_S = 10.0

MOST_MARKS = 30

_SETTLED_S = 2 * HEARTBEAT_S + LAG_S
"""So long after a budget went down, heartbeats still tell of the time before."""

_ABOVE = 1.005
"""A link is to be full: what is written as the budget is not above it."""

_SLIGHTLY = 1.05
"""Minutes of many jobs that do not begin together are summed: a little above the budget need not be above the link."""

_OF_BUDGETS = frozenset({"uplink", "rate", "campaign_share"})
"""Keys that a budget is made of."""

_GREW = 0.1
"""Decisions that change the number of jobs by less are not marked."""


def link_use(connection: sqlite3.Connection, shown: Shown, now: float, name: str, *, shared: bool = False) -> Panel:
    """Show what a site's uplink, or a shared link, carries over time.

    Args:
        connection: of the store.
        shown: the campaign.
        now: seconds since the epoch.
        name: of the site or the shared link.
        shared: which of them.

    """
    span = shown.span(connection, now)
    bins = bins_of(span, now)
    until = told_until(connection, now)
    every = links_now(connection, now)
    link = next((one for one in every if (one.name, one.shared) == (name, shared)), None)
    sites = link.sites if link else (name,)
    sent = over_time(connection, bins, "sent_mbps", sites=sites) if sites else []
    lines = [Line("sent", "Mb/s sent", only_complete(sent[0].values, bins, until))] if sent else []
    budgets = budgets_of(connection, name, shared=shared).in_bins(bins)
    if any(mbps is not None for mbps in budgets):
        lines.append(Line("budget", "budget", budgets, "limit"))
    changed = edits_about(connection, name, shared=shared, most=MOST_MARKS)
    waiting = why_jobs_wait(connection)
    title = f"Shared link {name}" if shared else f"Link of {name}"
    lead = f"Nothing is known of {name} yet."
    tone: Tone = ""
    if link is not None:
        lead, tone = link_lead(link, queue_of(link, waiting), changed, now), link_tone(link, changed, now)
        if not shared and sent:
            lead += _paced(connection, shown, now, name)
    return Panel(
        link_key(name, shared=shared, every=every),
        title,
        lead,
        Source(
            "Mb/s sent: heartbeats in the event logs, summed over all jobs of this campaign that go through the link, "
            "and spread over the minute that they tell of; 5 % for framing is in it. The last minute is not complete "
            "and is left out. The budget: what the throttle and the log of edits say it was at each time, rate times "
            "campaign share. It is for all campaigns together; only this one's jobs are shown.",
            (
                str(shown.folder.root / "blocks" / "*" / "events.log"),
                str(shown.folder.throttle_log),
                str(shown.folder.site_edits),
            ),
        ),
        Plot(
            "mbps",
            bins.bin_s,
            bins.starts,
            tuple(lines),
            _marks(changed, () if shared else decisions(connection, name, most=10 * MOST_MARKS), span),
            empty="No job of this link has sent anything yet.",
        ),
        group="links",
        tone=tone,
    )


def link_key(name: str, *, shared: bool, every: Sequence[LinkNow]) -> str:
    """Return the key of a link's panel; a shared link that has the name of a site says which of them it is."""
    double = shared and any(one.name == name and not one.shared for one in every)
    return f"link-{name}-shared" if double else f"link-{name}"


def link_lead(link: LinkNow, queue: int, changed: Sequence[Edited], now: float) -> str:
    """Say in a sentence how full a link is, and what keeps its jobs from more."""
    sends = f"its jobs send {figure(link.sent_mbps)} Mb/s" if link.running else "no job runs there"
    what = f"The shared link {link.name}" if link.shared else link.name
    if not link.budget_mbps:
        if not link.limited:
            return f"No site config of {what} is in force, so it has no budget; {sends}."
        return f"{what} is closed, with a budget of 0 Mb/s; {sends}."
    used = percent(round(link.used or 0.0, 3))
    text = f"{what} uses {figure(link.sent_mbps)} of {figure(link.budget_mbps)} Mb/s ({used})"
    if link.shared:
        text += f", for {listed(link.sites)}"
    whose = "it" if link.shared else "its own link"
    if queue:
        text += f"; {whose} keeps {number_of(queue, 'job')} waiting"
    elif link.binds:
        text += f"; {binding_words(link.binds)} it from more jobs"
    return f"{text}.{_above_words(link, changed, now)}"


def link_tone(link: LinkNow, changed: Sequence[Edited], now: float) -> Tone:
    """Return whether somebody has to look: a link is to be full, and not fuller."""
    if not link.limited or link.sent_mbps <= _ABOVE * link.budget_mbps:
        return ""
    slightly = link.budget_mbps > 0 and link.sent_mbps <= _SLIGHTLY * link.budget_mbps
    return "warn" if slightly or _changed_lately(changed, now) else "bad"


def binding_words(binds: str) -> str:
    """Return what the throttle says binds, with a verb, for a sentence that ends in "it from more jobs"."""
    known = {
        OWN_LINK: "its own link keeps",
        SLOTS: "the number of free slots keeps",
        "most_jobs": "most_jobs of its site config keeps",
        "jobs left": "what is left of the campaign keeps",
    }
    if binds in known:
        return known[binds]
    return f"the {binds} keeps" if binds.startswith((SHARED_LINK, "GPU pool ")) else f"“{binds}” keeps"


def queue_of(link: LinkNow, waiting: Sequence[Waiting]) -> int:
    """Return how many jobs wait for a link, of those that may run at its sites."""
    return sum(
        one.idle + one.pending
        for one in waiting
        if (link.shared and one.reason == SHARED and one.what == f"{SHARED_LINK}{link.name}")
        or (not link.shared and one.reason == SITE_LINK and link.name in one.sites)
    )


def by_interest(links: Sequence[LinkNow]) -> list[LinkNow]:
    """Return links, those first that people look for: the fullest, in tenths of the budget; then those with jobs.

    Whoever watches should not see them change places all the time.
    """
    return sorted(links, key=lambda link: (-round(link.used or 0.0, 1), not link.running, link.name, link.shared))


def drawn(links: Sequence[LinkNow], most: int) -> list[LinkNow]:
    """Return the links that people look for most, in the order that they came in."""
    chosen = by_interest(links)[:most]
    return [link for link in links if link in chosen]


def _paced(connection: sqlite3.Connection, shown: Shown, now: float, site: str) -> str:
    """Say for which part of their time the shares held jobs back, in the last complete bins."""
    bins = bins_of(shown.span(connection, now), now)
    (series,) = over_time(connection, bins, "paced_share", sites=(site,)) or (None,)
    last = last_complete(series.values, bins, told_until(connection, now)) if series else None
    return f" Jobs waited for their share for {percent(last)} of their time." if last else ""


def _above_words(link: LinkNow, changed: Sequence[Edited], now: float) -> str:
    """Return what to think of a link that is above its budget, as a further sentence; empty if it is not."""
    used = link.used or 0.0
    if used <= _ABOVE:
        return ""
    if _changed_lately(changed, now):
        return " Its budget has just been changed; heartbeats still tell of the time before."
    if used <= _SLIGHTLY:
        return " That is slightly above the budget."
    return " That is above the budget: see whether the last edit is in force (`sonicgrid sites apply`)."


def _changed_lately(changed: Sequence[Edited], now: float) -> bool:
    return any(now - edit.at < _SETTLED_S and edit.key.rpartition(".")[2] in _OF_BUDGETS for edit in changed)


def _marks(changed: Sequence[Edited], decided: Sequence[Decided], span: Span) -> tuple[Mark, ...]:
    marks = [
        Mark(
            edit.at,
            f"{edit.who}: {edit.file}: {edit.key}: {edit.before or 'not set'} → {edit.after or 'not set'}",
            "edit",
        )
        for edit in changed
    ]
    found = []
    for later, earlier in pairwise(decided):
        text = _what_changed(earlier, later)
        if text:
            found.append(Mark(later.at, text, "decision"))
    marks += found[: max(0, MOST_MARKS - len(marks))]
    return tuple(sorted((mark for mark in marks if span.begin <= mark.at <= span.end), key=lambda mark: mark.at))


def _what_changed(earlier: Decided, later: Decided) -> str:
    """Return in words what a decision changed; empty if it is not worth a mark."""
    parts = []
    if later.budget_mbps != earlier.budget_mbps:
        parts.append(f"budget {figure(earlier.budget_mbps)} → {figure(later.budget_mbps)} Mb/s")
    if abs(later.admitted - earlier.admitted) > _GREW * max(later.admitted, earlier.admitted):
        parts.append(f"{earlier.admitted:,} → {number_of(later.admitted, 'job')} admitted")
    if later.binds != earlier.binds:
        parts.append(f"{later.binds} binds")
    return f"{later.site}: {', '.join(parts)}" if parts else ""
