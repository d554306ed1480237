"""Mb/s over time on every link, beside the budget: one row per case, one column per link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.figure import Figure

from measure.traffic import rates_mbps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from measure.link_case import CaseResult, LinkResult

__all__ = ["plot_cases"]

WINDOW_S, STEP_S = 1.0, 0.25
"""Each point is the mean of the second before it: what the promise is about."""

BELOW, ABOVE, BUDGET, STEADY = "#2a6fb0", "#c03b2b", "#1b1b1b", "#e9eef4"

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.top": False,
    "ytick.right": False,
    "xtick.major.size": 4,
    "ytick.major.size": 4,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "legend.fontsize": 8,
    "text.parse_math": False,
}


def plot_cases(results: Sequence[CaseResult], path: Path) -> None:
    """Draw the rates of all cases and write a PNG."""
    columns = len(results[0].links)
    longest_s = max(result.steady.end_s - result.began_s for result in results)
    # ROOT's look from mplhep, at the size of text rather than of slides.
    with mpl.rc_context({**mplhep.style.ROOT, **_STYLE}):
        figure = Figure(figsize=(3.1 * columns, 2.1 * len(results) + 0.5), dpi=130, layout="constrained")
        grid = figure.subplots(len(results), columns, sharex=True, sharey="col", squeeze=False)
        for axes, result in zip(grid, results, strict=True):
            for ax, row in zip(axes, result.links, strict=True):
                _draw(ax, result, row)
            axes[0].set_ylabel(f"({result.case.key}) {_broken(result.case.title)}\nMb/s in 1 s")
        for ax, row in zip(grid[0], results[0].links, strict=True):
            name = f"{row.link.name}: {row.link.budget_mbps:.0f} of {row.link.rate_mbps:.0f} Mb/s"
            ax.set_title(f"{name}\n{ax.get_title()}")
        for ax in grid[-1]:
            ax.set_xlabel("s since the first job ran")
            ax.set_xlim(-5, longest_s)
        for ax, *rows in zip(grid[0], *(result.links for result in results), strict=True):
            ax.set_ylim(0, 1.1 * max(max(row.largest_window_mbps, row.link.budget_mbps) for row in rows))
        budget = results[0].links[0].link.budget_mbps
        grid[0][0].annotate("budget", (-4, budget), (0, 2), textcoords="offset points", fontsize=8)
        figure.savefig(path)


def _draw(ax: Axes, result: CaseResult, row: LinkResult) -> None:
    ends, rates = rates_mbps(result.counters[row.link.name], WINDOW_S, STEP_S)
    ends, budget = ends - result.began_s, row.link.budget_mbps
    steady = result.steady.begin_s - result.began_s, result.steady.end_s - result.began_s
    ax.axvspan(*steady, color=STEADY, linewidth=0, zorder=0)
    ax.fill_between(ends, np.minimum(rates, budget), color=BELOW, alpha=0.35, linewidth=0)
    ax.fill_between(ends, rates, budget, where=rates > budget, color=ABOVE, alpha=0.6, linewidth=0, interpolate=True)
    ax.plot(ends, rates, color=BELOW, linewidth=0.8)
    ax.axhline(budget, color=BUDGET, linewidth=1.2, linestyle="--")
    words = f"{row.used:.0%} used, largest {row.largest_share:.0%}" + (f", {row.dropped} drops" if row.dropped else "")
    ax.set_title(words)


def _broken(title: str) -> str:
    """Break a long title where it has a comma."""
    return title.replace(", ", ",\n")
