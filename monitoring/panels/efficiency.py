"""What jobs spend their time on: computing, waiting for scores, waiting for their share of the link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.bins import Span, bins_of
from monitoring.live.heard import only_complete, seen_until, told_until
from monitoring.live.quantities import over_time
from monitoring.live.rates import sums_in
from monitoring.panels.panel import Line, Panel, Plot, Source
from monitoring.panels.wording import percent

if TYPE_CHECKING:
    import sqlite3

    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "efficiency"]

EVERY_S = 5.0

_QUANTITIES = {
    "cpu_efficiency": "CPU efficiency",
    "inference_share": "being scored",
    "paced_share": "held by its share",
}
_RECENT_S = 3600.0
_LOW = 0.5


def efficiency(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Show the shares of time by flavour, of all jobs or of one site's."""
    bins = bins_of(shown.span(connection, now), now)
    told, seen = told_until(connection, now), seen_until(connection, now)
    lines = []
    for name, title in _QUANTITIES.items():
        found = over_time(connection, bins, name, "flavour", sites=(site,) if site else ())
        several = len(found) > 1
        for series in found:
            values = only_complete(series.values, bins, seen if name == "cpu_efficiency" else told)
            if any(value is not None for value in values):
                label = f"{series.group}: {title}" if several else title
                lines.append(Line(f"{name}_{series.group}" if several else name, label, values))
    return Panel(
        "efficiency",
        "Where the jobs' time goes",
        _lead(connection, seen, site),
        Source(
            "CPU efficiency is CPU seconds over wall seconds, of the records of attempts that ended in a bin. The "
            "others are of heartbeats, over the time that jobs ran: seconds in which an event was being scored, "
            "and seconds in which a request was ready and only the job's share of the link held it. They overlap "
            "with computing.",
            (str(shown.folder.blocks / "*" / "records"), str(shown.folder.blocks / "*" / "events.log")),
        ),
        Plot(
            "share",
            bins.bin_s,
            bins.starts,
            tuple(lines),
            empty="No job has told of its time yet; the first heartbeat comes a minute after its start.",
        ),
        group="inference",
    )


def _lead(connection: sqlite3.Connection, until: float, site: str) -> str:
    """Say it of the last hour, or of all before it where nothing was in that."""
    recent = Span(max(0.0, until - _RECENT_S), until)
    found = sums_in(connection, recent, "site" if site else "").get(site)
    if not found or not (found["wall_s"] or found["window_s"]):
        return "In the last hour no job has told of its time."
    parts = []
    cpu = found["cpu_s"] / found["wall_s"] if found["wall_s"] else None
    scored = found["inference_s"] / found["window_s"] if found["window_s"] else None
    paced = found["paced_s"] / found["window_s"] if found["window_s"] else None
    if cpu is not None:
        parts.append(f"jobs used their CPU for {percent(cpu)} of the time")
    if scored is not None:
        parts.append(f"an event was being scored for {percent(scored)}")
    if paced is not None:
        parts.append(f"shares of the link held jobs for {percent(paced)}")
    lead = f"In the last hour {', '.join(parts)}."
    if cpu is not None and cpu < _LOW and scored:
        lead += " Low CPU efficiency is no fault here: while a remote GPU scores, the job waits for it."
    return lead
