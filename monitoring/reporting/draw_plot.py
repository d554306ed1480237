"""Draws a plot of the campaign's page as inline SVG: stacked areas or lines over time, limits and marks in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from jobs.states import JobState
from monitoring.reporting.svg import COLOURS, draw_svg
from monitoring.reporting.time_axis import set_time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from monitoring.numbers import DrawnLine, DrawnPlot

__all__ = ["UNITS", "draw_plot"]

UNITS = {"mbps": "Mb/s", "per_s": "per second", "per_h": "per hour", "s": "seconds", "count": "jobs", "share": "%"}
_LEGEND_ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.3, "handlelength": 1.2}
_STATE_COLOURS = {
    JobState.HELD: "held",
    JobState.FAILED: "bad",
    JobState.RUNNING: "gpu",
    JobState.IDLE: "idle",
    JobState.PENDING: "open",
    JobState.DONE: "good",
}
_PALETTE = ("site0", "site1", "site2", "site3", "site4", "site5")
_DASHES = ("-", "--", "-.", ":")


def draw_plot(plot: DrawnPlot) -> str:
    """Return the SVG element of a plot."""
    name = "live-" + re.sub(r"[^A-Za-z0-9-]", lambda found: f"-{ord(found[0]):x}-", plot.name)
    return draw_svg(name, _printable(plot.title), lambda axes: _draw(plot, axes[0]), height_px=230)


def _draw(plot: DrawnPlot, ax: Axes) -> None:
    edges = np.array([*plot.starts, plot.starts[-1] + plot.bin_s], dtype=np.float64) / 86400
    factor = 100.0 if plot.unit == "share" else 1.0
    series = [line for line in plot.lines if line.role != "limit"]
    if plot.stacked:
        _stack(ax, series, edges, factor)
    else:
        for number, line in enumerate(series):
            colour = COLOURS[_PALETTE[number % len(_PALETTE)]]
            dash = _DASHES[number // len(_PALETTE) % len(_DASHES)]
            ax.plot(
                _middles(edges), _values(line, factor), color=colour, linestyle=dash, linewidth=1.3, label=_label(line)
            )
    top = _top(plot)
    for line in plot.lines:
        if line.role == "limit":
            steps = np.append(_values(line, factor), np.nan)
            label = _label(line) + ("" if _largest(line) <= top else f", {_amount(plot, line)} (above this plot)")
            ax.step(edges, steps, where="post", color=COLOURS["ink"], linewidth=1.1, label=label)
    for at, _, kind in plot.marks:
        style = "-" if kind == "edit" else ":"
        ax.axvline(at / 86400, color=COLOURS["cpu"], linestyle=style, linewidth=1.0, zorder=3)
    if not plot.stacked:
        ax.set_ylim(0, 1.08 * factor * top or 1)
    ax.grid(visible=True, axis="y")
    ax.set_axisbelow(True)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=plot.unit == "count"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ax.set_ylabel(UNITS.get(plot.unit, plot.unit))
    set_time_axis(ax, float(plot.starts[0]), edges)
    ax.legend(ncols=3, columnspacing=1.2, **_LEGEND_ABOVE)


def _top(plot: DrawnPlot) -> float:
    """Return the largest value that is shown; a limit far above all else would make a flat line of it."""
    data = max((_largest(line) for line in plot.lines if line.role != "limit"), default=0.0)
    limits = [_largest(line) for line in plot.lines if line.role == "limit"]
    return max([data, *(limit for limit in limits if not data or limit <= 10 * data)])


def _largest(line: DrawnLine) -> float:
    return max((value for value in line.values if value is not None), default=0.0)


def _amount(plot: DrawnPlot, line: DrawnLine) -> str:
    return f"{_largest(line):,.10g} {UNITS.get(plot.unit, plot.unit)}"


def _stack(ax: Axes, series: list[DrawnLine], edges: NDArray[np.float64], factor: float) -> None:
    floor = np.zeros(len(edges) - 1)
    for number, line in enumerate(series):
        colour = _STATE_COLOURS[JobState(line.key)] if line.role == "state" else _PALETTE[number % len(_PALETTE)]
        top = floor + np.nan_to_num(_values(line, factor))
        lighter = 1.0 if number < len(_PALETTE) or line.role == "state" else 0.6
        ax.fill_between(
            edges,
            np.append(floor, floor[-1]),
            np.append(top, top[-1]),
            step="post",
            color=COLOURS[colour],
            alpha=lighter,
            linewidth=0,
            label=_label(line),
        )
        floor = top
    ax.set_ylim(0, 1.04 * float(floor.max()) or 1)


def _values(line: DrawnLine, factor: float) -> NDArray[np.float64]:
    return factor * np.array([np.nan if value is None else value for value in line.values], dtype=np.float64)


def _middles(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return (edges[1:] + edges[:-1]) / 2


def _label(line: DrawnLine) -> str:
    # matplotlib leaves names with a leading underscore out of the legend.
    return _printable(line.name).lstrip("_") or "no name"


def _printable(text: str) -> str:
    """XML has no control characters and no lone surrogates."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
