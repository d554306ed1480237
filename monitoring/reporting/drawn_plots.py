"""The plots of the campaign's page for its report: the same panels, as numbers that the report keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.numbers import DrawnLine, DrawnPlot
from monitoring.pages.campaign import campaign
from monitoring.panels.panel import Plot

if TYPE_CHECKING:
    from monitoring.panels.panel import Panel
    from monitoring.panels.shown import Shown

__all__ = ["drawn_plots"]

_KEYS = ("states", "throughput", "jobs-per-hour", "sent-mbps", "latency", "pool-load", "efficiency", "pressure")
"""Keys of the panels of the campaign's page that the report shows, and `link-…`."""

MOST_LINKS = 6
"""Links with a plot of their own; a report is read from its beginning to its end."""


def drawn_plots(shown: Shown) -> tuple[DrawnPlot, ...]:
    """Return the plots that have something to show, in the order of the campaign's page."""
    makers = campaign(shown).makers
    # The page has its links in the order of interest, the fullest first.
    links = [one.key for one in makers if one.key.startswith("link-")][:MOST_LINKS]
    panels = [one.make() for one in makers if one.key in (*_KEYS, *links)]
    return tuple(plot for panel in panels if (plot := _drawn(panel)) is not None)


def _drawn(panel: Panel) -> DrawnPlot | None:
    plot = panel.content
    if not isinstance(plot, Plot):
        return None
    lines = tuple(
        DrawnLine(
            key=line.key,
            name=line.title,
            role=line.role,
            values=line.values,
        )
        for line in plot.lines
        if any(value is not None for value in line.values)
    )
    if not any(line.role != "limit" for line in lines):
        return None
    return DrawnPlot(
        name=panel.key,
        title=panel.title,
        source=panel.source.text,
        unit=plot.unit,
        bin_s=plot.bin_s,
        starts=plot.starts,
        stacked=plot.stacked,
        lines=lines,
        marks=tuple((mark.at, mark.text, mark.kind) for mark in plot.marks),
    )
