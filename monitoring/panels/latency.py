"""How long the inference pool takes to answer, as jobs measure it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.bins import Span, bins_of
from monitoring.live.heard import only_complete, told_until
from monitoring.live.pool import latency_in, latency_over_time
from monitoring.panels.panel import Line, Panel, Plot, Source
from monitoring.panels.wording import figure, number_of
from sonic.scores import LATENCY_BOUNDS_S

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.pool import Latency
    from monitoring.panels.panel import Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "latency", "seconds"]

EVERY_S = 5.0

_RECENT_S = 600.0
_LONGEST_S = LATENCY_BOUNDS_S[-1]


def latency(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """Show percentiles of the latency over time, of all requests or of those of one site's jobs."""
    bins = bins_of(shown.span(connection, now), now)
    until = told_until(connection, now)
    found = latency_over_time(connection, bins, site)
    recent = latency_in(connection, Span(max(0.0, until - _RECENT_S), max(1.0, until)), site)
    lines = tuple(
        Line(key, title, only_complete(values, bins, until))
        for key, title, values in (
            ("p50_s", "p50", [one.p50_s for one in found]),
            ("p95_s", "p95", [one.p95_s for one in found]),
            ("p99_s", "p99", [one.p99_s for one in found]),
        )
    )
    drawn = any(value is not None for line in lines for value in line.values)
    return Panel(
        "latency",
        "Latency",
        _lead(recent, drawn=drawn),
        Source(
            "Heartbeats in the event logs. Each job measures from sending a request to its answer, network "
            f"included, and counts its requests in {len(LATENCY_BOUNDS_S) + 1} classes; the counts of all jobs are "
            f"added, and a percentile lies on a straight line inside its class. {_LONGEST_S:.0f} s stands for that "
            "and all that is longer. The last minute is not complete and is left out.",
            (str(shown.folder.blocks / "*" / "events.log"),),
        ),
        Plot(
            "s",
            bins.bin_s,
            bins.starts,
            lines if drawn else (),
            empty="No job has told of an answer yet; the first heartbeat comes a minute after its start.",
        ),
        group="inference",
        tone=_tone(recent),
    )


def seconds(value: float) -> str:
    """Return a short time, in ms where that is easier to read."""
    return f"{figure(1e3 * value)} ms" if value < 1 else f"{figure(value)} s"


def _lead(recent: Latency, *, drawn: bool) -> str:
    if recent.p50_s is None or recent.p95_s is None or recent.p99_s is None:
        return "No answer was told of in the last 10 minutes." if drawn else "No answer is known yet."
    longest = f"{seconds(recent.p99_s)}{' or more' if recent.p99_s >= _LONGEST_S else ''}"
    requests = number_of(round(recent.requests), "request")
    return (
        f"In the last 10 minutes half of {requests} took less than {seconds(recent.p50_s)}, 95 % less than "
        f"{seconds(recent.p95_s)}, and 99 % less than {longest}."
    )


def _tone(recent: Latency) -> Tone:
    return "warn" if recent.p99_s is not None and recent.p99_s >= _LONGEST_S else ""
