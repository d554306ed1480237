"""The axis of time of every plot of a report: UTC, in steps that suit how long it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import matplotlib.dates as mdates

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["set_time_axis"]


def set_time_axis(ax: Axes, start: float, edges: NDArray[np.float64]) -> None:
    """Label an axis.

    Args:
        ax: its plot.
        start: of the first bin, seconds since the epoch.
        edges: of the bins, as matplotlib counts time: days since the epoch, UTC.

    """
    ax.set_xlim(edges[0], edges[-1])
    locator = mdates.AutoDateLocator(tz=UTC, minticks=3, maxticks=6)
    span_s = 86400 * (edges[-1] - edges[0])
    form = "%H:%M:%S" if span_s < 20 * 60 else "%H:%M" if span_s < 2 * 86400 else "%d %b"
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.DateFormatter(form, tz=UTC))
    ax.minorticks_off()
    day = datetime.fromtimestamp(start, UTC).strftime("%d %B %Y")
    ax.set_xlabel(f"time (UTC), from {day}")
