"""How fast events are scored and how much is sent for it, over time: by site, or at one site by flavour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.live.bins import bins_of
from monitoring.live.heard import last_complete, only_complete, told_until
from monitoring.live.quantities import over_time
from monitoring.panels.panel import Line, Panel, Plot, Source
from monitoring.panels.wording import figure, listed, percent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from monitoring.live.quantities import QuantitySeries
    from monitoring.panels.panel import Unit
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "KEYS", "throughput"]

EVERY_S = 10.0

MOST_LINES = 8
"""Sites with a line of their own; the others are summed, or left out where a sum has no meaning."""


@dataclass(frozen=True)
class _Kind:
    """One plot.

    Attributes:
        quantity: of `live.quantities`.
        title: of the panel.
        unit: of its values.
        words: turns the last value into words.
        adds_up: whether groups add up to the whole.
        source: what the numbers are.

    """

    quantity: str
    title: str
    unit: Unit
    words: Callable[[float], str]
    adds_up: bool
    source: str


_KINDS = {
    "throughput": _Kind(
        "events_per_s",
        "Events/s",
        "per_s",
        lambda value: f"{figure(value)} events/s",
        adds_up=True,
        source="events that running jobs have finished; attempts that fail later are in it",
    ),
    "hits-per-s": _Kind(
        "hits_per_s", "Hits/s", "per_s", lambda value: f"{figure(value)} hits/s", adds_up=True, source="hits scored"
    ),
    "sent-mbps": _Kind(
        "sent_mbps",
        "Mb/s sent",
        "mbps",
        lambda value: f"{figure(value)} Mb/s in all",
        adds_up=True,
        source="bytes handed to the network towards the inference pool, and 5 % for framing",
    ),
    "mbps-per-job": _Kind(
        "sent_mbps_per_job",
        "Mb/s of one job",
        "mbps",
        lambda value: f"{figure(value)} Mb/s a job",
        adds_up=False,
        source="bytes sent over the time that jobs ran, with 5 % for framing",
    ),
    "pressure": _Kind(
        "paced_share",
        "Time in which shares hold jobs back",
        "share",
        percent,
        adds_up=False,
        source="seconds in which a job had a request ready and waited for its share alone, over the time that jobs ran",
    ),
}

KEYS = tuple(_KINDS)
"""Of the panels, in their order."""


def throughput(
    connection: sqlite3.Connection, shown: Shown, now: float, key: str = "throughput", site: str = ""
) -> Panel:
    """Show one of `KEYS` over time, by site; or by flavour, at one site."""
    kind = _KINDS[key]
    bins = bins_of(shown.span(connection, now), now)
    until = told_until(connection, now)
    groups = over_time(connection, bins, kind.quantity, "flavour" if site else "site", sites=(site,) if site else ())
    (whole,) = over_time(connection, bins, kind.quantity, sites=(site,) if site else ()) or (None,)
    lines = [
        Line(one.group or "unknown", one.group or "no site known", only_complete(one.values, bins, until))
        for one in groups[:MOST_LINES]
    ]
    rest = groups[MOST_LINES:]
    if rest and kind.adds_up:
        summed = tuple(
            sum(value or 0.0 for value in values) for values in zip(*(one.values for one in rest), strict=True)
        )
        lines.append(Line("others", f"{len(rest):,} others", only_complete(summed, bins, until)))
    last = last_complete(whole.values, bins, until) if whole else None
    return Panel(
        key,
        kind.title,
        _lead(kind, last, groups, site),
        Source(
            f"Heartbeats in the event logs: {kind.source}. Each is spread evenly over the minute that it tells of; the "
            "last minute is not complete and is left out.",
            (str(shown.folder.root / "blocks" / "*" / "events.log"),),
        ),
        Plot(
            kind.unit,
            bins.bin_s,
            bins.starts,
            tuple(lines),
            stacked=kind.adds_up,
            empty="No job has told of its work yet; the first heartbeat comes ten seconds after its start.",
        ),
        group="throughput",
    )


def _lead(kind: _Kind, last: float | None, groups: Sequence[QuantitySeries], site: str) -> str:
    if last is None:
        return "No job has told of its work in the last whole minute."
    lead = f"{kind.words(last)} now"
    if len(groups) > 1 and not site and kind.adds_up:
        lead += f"; most came from {listed([one.group or 'no known site' for one in groups[:2]])}"
    if len(groups) > MOST_LINES:
        others = "the others are summed" if kind.adds_up else "and the others are not drawn"
        lead += f"; {MOST_LINES} sites have a line, {others}"
    return lead + "."
