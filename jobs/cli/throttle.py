"""The throttle as people see it: one row a site."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from jobs.throttle.aside import Aside
    from jobs.throttle.state import SiteState, ThrottleState

__all__ = ["aside_line", "throttle_table"]

_ORIGIN = {
    "config": "typed in",
    "measured": "measured",
    "elsewhere": "other sites",
    "spec": "estimate",
    "pilots": "pilots",
}


def throttle_table(state: ThrottleState, title: str) -> Table:
    """Return the table of a campaign's sites: what each may send, how many jobs run, and what keeps it from more.

    It fits a terminal of 80 columns, as long as names of sites have no more than eight letters.
    """
    admission = " and ".join(sorted({site.admission for site in state.sites.values()}))
    table = Table(box=None, padding=(0, 1, 0, 0), title=f"{title}, admission by {admission}", title_justify="left")
    table.add_column("site")
    for heading in ("Mb/s\nin all", "Mb/s\na job"):
        table.add_column(heading, justify="right")
    table.add_column("known\nby")
    for heading in ("Mb/s\nshare", "jobs\nrun", "may\nnow", "in the\nend"):
        table.add_column(heading, justify="right")
    table.add_column("what\nbinds")
    for name, site in state.sites.items():
        table.add_row(
            name,
            f"{site.budget_mbps:,.6g}" if site.budget_mbps else "closed",
            f"{site.rate_mbps:,.3g}" if site.rate_origin != "pilots" else "-",
            _ORIGIN[site.rate_origin],
            f"{site.share_mbps:,.3g}" if site.share_mbps else "-",
            f"{site.running:,}" + (f"+{site.cpu_running:,} cpu" if site.cpu_running else ""),
            f"{site.room:,}",
            f"{site.admitted:,}",
            escape(_binds(site)),
        )
    return table


def aside_line(aside: Aside) -> str:
    """Say what is set aside, why, since when, until when, and the way back."""
    since, until = (f"{datetime.fromtimestamp(at).astimezone():%d %b %H:%M}" for at in (aside.since, aside.until))
    where = f" ({aside.site})" if aside.kind == "host" and aside.site else ""
    trial = f"one job tries it from {until} on" if not aside.trial else f"job {aside.trial} tries it"
    line = f"{aside.kind} {aside.name}{where} is set aside since {since}: {aside.reason}; {trial}"
    return f"{line}; at once: sonicgrid sites readmit {aside.name}"


def _binds(site: SiteState) -> str:
    if not site.budget_mbps:
        return "campaign_share: 0 %"
    return "ramp, or shares not read yet" if site.room < site.admitted and site.running >= site.room else site.binds
