"""The throttle as people see it: one row a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from jobs.throttle.state import SiteState, ThrottleState

__all__ = ["throttle_table"]

_ORIGIN = {
    "config": "typed in",
    "measured": "measured",
    "elsewhere": "measured elsewhere",
    "spec": "estimate",
    "pilots": "pilots first",
}


def throttle_table(state: ThrottleState, title: str) -> Table:
    """Return the table of a campaign's sites: what each may send, how many jobs run, and what keeps it from more."""
    table = Table("site", title=title, title_justify="left")
    for heading in ("Mb/s in all", "Mb/s a job"):
        table.add_column(heading, justify="right")
    table.add_column("by")
    for heading in ("share", "running", "now", "in the end"):
        table.add_column(heading, justify="right")
    table.add_column("what binds")
    table.add_column("admission")
    for name, site in state.sites.items():
        running = f"{site.running:,}" + (f" + {site.cpu_running:,} cpu" if site.cpu_running else "")
        table.add_row(
            name,
            f"{site.budget_mbps:,.6g}" if site.budget_mbps else "closed",
            f"{site.rate_mbps:,.3g}" if site.rate_origin != "pilots" else "-",
            _ORIGIN[site.rate_origin],
            f"{site.share_mbps:,.3g}" if site.share_mbps else "-",
            running,
            f"{site.room:,}",
            f"{site.admitted:,}",
            escape(_binds(site)),
            site.admission,
        )
    return table


def _binds(site: SiteState) -> str:
    if not site.budget_mbps:
        return "campaign_share: 0 %"
    return "ramp, or shares not read yet" if site.room < site.admitted and site.running >= site.room else site.binds
