"""Patches a second over the number of jobs, for every way: through Envoy on the left, direct on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import mplhep
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from measure.scoring.cases import ROUTES
from measure.scoring.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from measure.scoring.rates import CaseResult
    from measure.scoring.ways import WayName

__all__ = ["plot_rates"]

_COLOURS: dict[WayName, str] = {"onnx": "#1b1b1b", "bare": "#8a8a8a", "patches": "#2a6fb0", "views": "#c03b2b"}
_MARKERS: dict[WayName, str] = {"onnx": "", "bare": "s", "patches": "o", "views": "D"}
_TITLES = {"envoy": "through Envoy", "direct": "direct, jobs dealt to the servers in turn"}

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
    "legend.fontsize": 8,
    "text.parse_math": False,
}


def plot_rates(results: Sequence[CaseResult], path: Path) -> None:
    """Draw the medians, with bars from the slowest to the fastest slice, and write a PNG."""
    # ROOT's look from mplhep, at the size of text rather than of slides.
    with mpl.rc_context({**mplhep.style.ROOT, **_STYLE}):
        figure = Figure(figsize=(8.0, 3.4), dpi=130, layout="constrained")
        panels = figure.subplots(1, len(ROUTES), sharey=True)
        for ax, route in zip(panels, ROUTES, strict=True):
            for way in WAYS:
                _draw(ax, way, [one for one in results if one.case.way == way and one.case.route in (route, "none")])
            counts = sorted({one.case.jobs for one in results if one.case.route == route})
            ax.set_xscale("log", base=2)
            ax.set_xticks(counts, [str(count) for count in counts])
            ax.xaxis.set_minor_locator(NullLocator())
            ax.set_xlabel("jobs at once")
            ax.set_title(_TITLES[route])
        panels[0].set_ylabel("patches/s, all jobs together")
        panels[0].set_ylim(0, 1.15 * max(one.range_per_s[1] for one in results))
        panels[0].legend(loc="lower right", frameon=False)
        figure.savefig(path)


def _draw(ax: Axes, way: WayName, results: Sequence[CaseResult]) -> None:
    style: dict[str, Any] = {"color": _COLOURS[way], "label": WAYS[way], "linewidth": 1.2}
    if way == "onnx":
        for one in results:
            ax.axhline(one.patches_per_s, linestyle="--", **style)
        return
    ordered = sorted(results, key=lambda one: one.case.jobs)
    rates = [one.patches_per_s for one in ordered]
    below = [rate - one.range_per_s[0] for rate, one in zip(rates, ordered, strict=True)]
    above = [one.range_per_s[1] - rate for rate, one in zip(rates, ordered, strict=True)]
    jobs = [one.case.jobs for one in ordered]
    ax.errorbar(jobs, rates, yerr=[below, above], marker=_MARKERS[way], markersize=4, capsize=2, **style)
