"""How many jobs end in an hour, well and otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.bins import Span, bins_of
from monitoring.live.heard import only_complete, seen_until
from monitoring.live.quantities import over_time
from monitoring.live.rates import rates_in
from monitoring.panels.panel import Line, Panel, Plot, Source
from monitoring.panels.wording import number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "jobs_per_hour"]

EVERY_S = 5.0

_WIDTHS_S = (60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
_MOST_BINS = 96
"""Jobs end one by one: in narrow bins there is nothing, or one job, which is a great rate."""


def jobs_per_hour(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Show jobs/h and failures/h over time, of the campaign or of one site."""
    bins = bins_of(shown.span(connection, now), now, _WIDTHS_S, _MOST_BINS)
    until = seen_until(connection, now)
    lines = [
        Line(name, title, only_complete(series.values, bins, until))
        for name, title in (("jobs_per_h", "done"), ("failures_per_h", "failed attempts"))
        for series in over_time(connection, bins, name, sites=(site,) if site else ())
    ]
    last = rates_in(connection, Span(until - 3600.0, until), "site" if site else "").get(site)
    lead = "No attempt has ended in the last hour."
    if last is not None and last.jobs_per_h + last.failures_per_h > 0:
        done, failed = round(last.jobs_per_h), round(last.failures_per_h)
        lead = f"{number_of(done, 'job')} {'was' if done == 1 else 'were'} done in the last hour"
        lead += f", and {number_of(failed, 'attempt')} failed." if failed else "."
    return Panel(
        "jobs-per-hour",
        "Jobs/h",
        lead,
        Source(
            "Records: each attempt counts once, when it ended by the submit machine's clock. An attempt that was "
            "killed leaves no record and is not in it. The bin of now is not complete and is left out.",
            (str(shown.folder.root / "blocks" / "*" / "records"),),
        ),
        Plot("per_h", bins.bin_s, bins.starts, tuple(lines), empty="No attempt has ended yet."),
        group="throughput",
    )
