"""What the throttle decided, why, and who changed what it must keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.budgets import edits_about
from monitoring.live.campaign_now import SILENT_S
from monitoring.live.links import decisions, links_now, throttle_looked, throttle_now
from monitoring.panels.link_use import binding_words
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.site_limits import counts_for
from monitoring.panels.wording import number_of, silence

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.links import Decided
    from monitoring.panels.panel import Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "edits", "throttle"]

EVERY_S = 2.0

MOST_ROWS = 20

_ORIGINS = {
    "config": "typed in",
    "measured": "measured here",
    "elsewhere": "measured at other sites",
    "spec": "estimate of the spec",
    "pilots": "not known yet: pilots run",
}


def throttle(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """List the last decisions, newest first, of all sites or of one."""
    found = decisions(connection, site, most=shown.at_most(MOST_ROWS))
    lead, tone = _standing(connection, now)
    if found:
        lead = f"{_sentence(found[0])} {lead}".strip()
    elif not lead:
        lead = "The throttle has not decided anything yet."
    return Panel(
        "throttle",
        "Decisions of the throttle",
        lead,
        Source(
            f"throttle.jsonl, where the throttle writes a line whenever a decision differs from the one before; the "
            f"newest {MOST_ROWS} are shown, and all are in the CSV. What it thinks now is in throttle.json.",
            (str(shown.folder.throttle_log), str(shown.folder.throttle)),
        ),
        Table(
            (
                Column("at", "When", "time"),
                Column("site", "Site", link=f"{shown.path}/site/{{site}}"),
                Column("budget_mbps", "Budget", "mbps"),
                Column("mbps_per_job", "A job needs", "mbps"),
                Column("origin", "Known by"),
                Column("admitted", "Admitted", "count", note="jobs that may run in the end"),
                Column("binds", "Binds", note="what keeps the site from more"),
                Column("reason", "Why the rate was corrected"),
            ),
            tuple(
                (
                    one.at,
                    one.site,
                    one.budget_mbps,
                    one.mbps_per_job,
                    _ORIGINS.get(one.origin, one.origin),
                    one.admitted,
                    one.binds,
                    one.reason or None,
                )
                for one in found
            ),
            empty="No decision yet.",
        ),
        tone=tone,
    )


def edits(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "", *, shared: bool = False) -> Panel:
    """List who changed which limit, newest first: all, those of a site and of what it shares, or of a shared link."""
    del now
    found = edits_about(connection, site, shared=shared, most=shown.at_most(MOST_ROWS))
    lead = "Nobody has changed a limit while the campaign ran."
    if found:
        one = found[0]
        lead = f"{one.who} changed {one.key} of {one.file} last: {one.before or 'not set'} → {one.after or 'not set'}."
    return Panel(
        "edits",
        "Edits of limits",
        lead,
        Source(
            "site-edits.jsonl: a line for each key of a site config, or of links.yaml, that `sonicgrid submit` or "
            f"`sonicgrid sites apply` put into force with another value; the newest {MOST_ROWS} are "
            "shown, and all are in the CSV.",
            (str(shown.folder.site_edits),),
        ),
        Table(
            (
                Column("at", "When", "time"),
                Column("who", "Who"),
                Column("file", "File", note="the site config, or links.yaml"),
                Column("key", "Key"),
                Column("before", "Before"),
                Column("after", "After"),
                Column("counts", "Counts", note="for which jobs"),
            ),
            tuple(
                (
                    one.at,
                    one.who,
                    one.file,
                    one.key,
                    one.before or None,
                    one.after or None,
                    counts_for(one.key),
                )
                for one in found
            ),
            empty="No edit.",
        ),
    )


def _sentence(one: Decided) -> str:
    jobs = f"{number_of(one.admitted, 'job')} may run at {one.site}"
    return f"The last decision: {jobs}; {binding_words(one.binds)} it from more jobs."


def _standing(connection: sqlite3.Connection, now: float) -> tuple[str, Tone]:
    """Return what is wrong with the throttle itself."""
    state, looked_at = throttle_now(connection), throttle_looked(connection)
    if state is not None and state.problem:
        return f"Its last look failed: {state.problem}", "warn"
    at_work = any(link.running for link in links_now(connection, now))
    if looked_at is not None and at_work and now - looked_at > SILENT_S:
        text = f"It has not looked for {silence(now - looked_at)}: jobs keep their shares, and nobody adapts them."
        return text, "warn"
    return "", ""
