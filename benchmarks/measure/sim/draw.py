"""The two plots of the simulated campaign: Mb/s over time on every link, and the knee of the paper's curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import mplhep
import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from measure.sim.campaign import Trace
    from measure.sim.knee import Curve

__all__ = ["draw_knee", "draw_links"]

STYLE = {
    **mplhep.style.ROOT,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 4,
    "ytick.major.size": 4,
    "xtick.minor.size": 2,
    "ytick.minor.size": 2,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.2,
}
COLOURS = {"no throttle": "#bd1f01", "fixed jobs": "#ffa90e", "ours": "#3f90da"}
BUDGET = "#333333"
BIN_S = 60
COLUMNS = 4


def draw_links(traces: Sequence[Trace], path: Path) -> None:
    """Draw, for each link, the fullest second of every minute in each case, and the budget."""
    links = traces[0].links
    rows = -(-len(links) // COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3 * COLUMNS, 2.1 * rows + 0.6), layout="constrained")
        grid = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).flat
        for number, (link, axes) in enumerate(zip(links, grid, strict=False)):
            for trace in traces:
                worst = _by_minute(trace.worst_mbps[number]).max(axis=1) / 1000
                axes.plot(_hours(len(worst)), worst, color=COLOURS[trace.case], label=trace.case)
            budget = _by_minute(traces[-1].budget_mbps[number])[:, -1] / 1000
            axes.step(_hours(len(budget)), budget, where="post", color=BUDGET, ls="--", label="budget")
            axes.set_title(link, loc="left")
            axes.set_ylim(bottom=0)
            axes.set_xlim(0, traces[0].seconds / 3600)
        for axes in list(grid)[len(links) :]:
            axes.set_visible(False)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
        figure.supxlabel("hours")
        figure.supylabel("largest second of each minute, Gb/s on the wire")
        figure.savefig(path, dpi=110)


def draw_knee(curves: Sequence[Curve], path: Path) -> None:
    """Draw the simulated time of a full event against the clients per GPU, and the authors' measurements."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4 * len(curves), 3.4), layout="constrained")
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for curve, axes in zip(curves, panels, strict=True):
            x, y = zip(*curve.setup.measured, strict=True)
            axes.plot(np.array(x) / curve.setup.gpus, y, "s", color=BUDGET, ms=5, label="measured, arXiv:2009.04509")
            axes.plot(curve.clients, curve.seconds, "o", color=COLOURS["ours"], ms=4, label="simulated")
            knee = curve.knee
            at = np.array([0, knee.clients, max(curve.clients)])
            fit = knee.flat_s + knee.slope_s * np.maximum(0, at - knee.clients)
            axes.plot(at, fit, color=COLOURS["ours"], label=f"its bend: {knee.clients:.1f}")
            axes.axvline(curve.setup.authors, color=BUDGET, ls=":", label=f"the authors' bend: {curve.setup.authors}")
            axes.set_title(curve.setup.name, loc="left")
            axes.set_xlabel("clients per GPU")
            axes.set_ylim(0, 320)
            axes.legend(loc="lower right", frameon=False)
        panels[0].set_ylabel("full event, s")
        figure.savefig(path, dpi=110)


def _by_minute(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return seconds[: len(seconds) // BIN_S * BIN_S].reshape(-1, BIN_S)


def _hours(minutes: int) -> NDArray[np.float64]:
    return np.arange(minutes) * BIN_S / 3600
