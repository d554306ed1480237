"""The plots of a report, each drawn from the report's numbers and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import mplhep
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from monitoring.reporting.svg import COLOURS, draw_svg
from monitoring.reporting.time_axis import set_time_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from monitoring.numbers import Flow, ReportNumbers, StageRow, Timeline

__all__ = ["Plot", "draw_plots"]

STAGES = ("startup", "read", "prepare", "inference", "write")
_MOST_ROWS = 12
_MOST_SITES = 6
_LEGEND_ABOVE = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.3, "handlelength": 1.2}


@dataclass(frozen=True)
class Plot:
    """One figure of the page."""

    name: str
    title: str
    svg: str
    caption: str


def draw_plots(numbers: ReportNumbers) -> dict[str, Plot]:
    """Draw what there are numbers for; by the plot's name."""
    plots = []
    if numbers.stages:
        plots += [_event_time(numbers.stages), _stages(numbers.stages)]
    if numbers.timeline is not None:
        plots.append(_progress(numbers.timeline))
        if numbers.timeline.sent_mbps:
            plots.append(_network(numbers.timeline))
    if numbers.failure_kinds:
        plots.append(_failures(numbers))
    return {plot.name: plot for plot in plots}


def _event_time(rows: Sequence[StageRow]) -> Plot:
    """Draw median and spread of the time per event."""
    pairs = [(row, spread) for row in rows if (spread := row.seconds_per_event) is not None][:_MOST_ROWS]
    shown = [row for row, _ in pairs]

    def draw(axes: list[Axes]) -> None:
        (ax,) = axes
        for y, (row, spread) in enumerate(pairs):
            colour = COLOURS[row.flavour]
            ax.plot([spread.low, spread.high], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="round")
            ax.plot([spread.value], [y], "o", color=colour, markersize=5)
            ax.annotate(
                f"{spread.value:.3g} s", (spread.high, y), (6, 0), textcoords="offset points", va="center", fontsize=8
            )
        low, high = min(spread.low for _, spread in pairs), max(spread.high for _, spread in pairs)
        if low > 0 and high > 20 * low:
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.set_xlim(low / 1.5, high * 3)
        else:
            ax.set_xlim(0, high * 1.25 or 1)
        _name_rows(ax, shown)
        ax.grid(visible=True, axis="x")
        ax.set_xlabel("wall seconds per event, start-up left out")

    return Plot(
        name="event-time",
        title="Time per event",
        svg=draw_svg("event-time", "Time per event by flavour and CPU model", draw, height_px=_rows_height(shown)),
        caption="Dot: median over the jobs. Bar: 16 % to 84 % of the jobs." + _cut_note(rows, shown),
    )


def _stages(rows: Sequence[StageRow]) -> Plot:
    """Draw the mean seconds of each stage, stacked."""
    shown = list(rows[:_MOST_ROWS])

    def draw(axes: list[Axes]) -> None:
        (ax,) = axes
        left = np.zeros(len(shown))
        for stage in STAGES:
            seconds = np.array([float(getattr(row, f"{stage}_s")) for row in shown])
            ax.barh(range(len(shown)), seconds, left=left, height=0.62, color=COLOURS[stage], label=stage)
            left += seconds
        wall = [row.wall_s for row in shown]
        ax.plot(wall, range(len(shown)), "|", color=COLOURS["ink"], markersize=14, markeredgewidth=1.6, label="wall")
        ax.set_xlim(0, 1.05 * max(*left, *wall) or 1)
        _name_rows(ax, shown)
        ax.grid(visible=True, axis="x")
        ax.set_axisbelow(True)
        ax.set_xlabel("mean seconds per event")
        ax.legend(ncols=3, columnspacing=1.2, **_LEGEND_ABOVE)

    return Plot(
        name="stages",
        title="Where the time goes",
        svg=draw_svg("stages", "Seconds per event in each stage", draw, height_px=_rows_height(shown) + 40),
        caption="Stages overlap: the next event is read and prepared while this one waits for its scores, so the bars "
        "can be longer than the wall time (upright mark)." + _cut_note(rows, shown),
    )


def _progress(time: Timeline) -> Plot:
    """Draw jobs and events per minute, and how many jobs ran."""

    def draw(axes: list[Axes]) -> None:
        top, middle, bottom = axes
        _stack(top, time, time.jobs_per_minute)
        _stack(middle, time, time.events_per_minute)
        _stack(bottom, time, time.jobs_running)
        for ax, label in zip(axes, ("jobs / min", "events / min", "jobs running"), strict=True):
            ax.set_ylabel(label)
        top.legend(ncols=2, **_LEGEND_ABOVE)
        set_time_axis(bottom, time.start, _edges(time))

    return Plot(
        name="progress",
        title="Progress",
        svg=draw_svg(
            "progress", "Jobs and events done per minute, and jobs running, over time", draw, height_px=380, panels=3
        ),
        caption=f"In bins of {_width(time.bin_s)}; flavours are stacked. Jobs and events count when their job is done.",
    )


def _network(time: Timeline) -> Plot:
    """Draw the Mb/s to the pool, by site, and the bytes of an event."""
    shown = sorted(time.sent_mbps, key=lambda flow: -sum(value or 0 for value in flow.values))[:_MOST_SITES]

    def draw(axes: list[Axes]) -> None:
        top, bottom = axes
        for index, flow in enumerate(shown):
            mplhep.histplot(
                _numbers(flow),
                _edges(time),
                ax=top,
                color=COLOURS[f"site{index}"],
                # matplotlib leaves names with a leading underscore out of the legend.
                label=_printable(flow.name).lstrip("_") or "no site",
                linewidth=1.4,
                linestyle=("-", "--", "-.")[index % 3],
                flow="none",
                edges=False,
            )
        top.set_ylim(bottom=0)
        top.set_ylabel("Mb/s sent")
        top.legend(ncols=3, **_LEGEND_ABOVE)
        values = np.array([np.nan if value is None else value for value in time.sent_bytes_per_event.values])
        middles = (_edges(time)[1:] + _edges(time)[:-1]) / 2
        bottom.plot(middles, values * 1e-6, ".", color=COLOURS["gpu"], markersize=5)
        bottom.set_ylim(0, 1.25e-6 * np.nanmax(values) if np.isfinite(values).any() else 1)
        bottom.set_ylabel("MB / event")
        for ax in axes:
            ax.grid(visible=True, axis="y")
        set_time_axis(bottom, time.start, _edges(time))

    cut = len(time.sent_mbps) - len(shown)
    return Plot(
        name="network",
        title="Network",
        svg=draw_svg(
            "network",
            "Megabits per second sent by site, and MB sent per event, over time",
            draw,
            height_px=300,
            panels=2,
        ),
        caption=f"In bins of {_width(time.bin_s)}. A job's bytes are spread evenly over its time, so bursts "
        "within a job do not show. Mb/s are megabits, MB are bytes."
        + (f" {cut} more sites are in report.json." if cut else ""),
    )


def _failures(numbers: ReportNumbers) -> Plot:
    """Draw how many attempts ended in each way."""
    kinds = numbers.failure_kinds

    def draw(axes: list[Axes]) -> None:
        (ax,) = axes
        counts = [kind.attempts for kind in kinds]
        ax.barh(range(len(kinds)), counts, height=0.62, color=COLOURS["bad"])
        for y, count in enumerate(counts):
            ax.annotate(f"{count:,}", (count, y), (5, 0), textcoords="offset points", va="center")
        ax.set_yticks(range(len(kinds)), [kind.exit_class for kind in kinds])
        ax.set_ylim(len(kinds) - 0.4, -0.6)
        ax.minorticks_off()
        ax.set_xlim(0, max([*counts, 1]) * 1.18)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        ax.grid(visible=True, axis="x")
        ax.set_axisbelow(True)
        ax.set_xlabel("attempts")

    return Plot(
        name="failures",
        title="Failed attempts by exit class",
        svg=draw_svg("failures", "Failed attempts by exit class", draw, height_px=90 + 28 * len(kinds)),
        caption="Every attempt that did not end as done, the later ones of the same job included.",
    )


def _name_rows(ax: Axes, rows: Sequence[StageRow]) -> None:
    ax.set_yticks(range(len(rows)), [f"{row.flavour} · {_short(row.cpu_model)}" for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.minorticks_off()


def _short(cpu_model: str, length: int = 22) -> str:
    """Cut the words that every CPU model has."""
    words = _printable(cpu_model).replace("(R)", "").replace("(TM)", "").split("@")[0].split()
    text = " ".join(word for word in words if word not in ("CPU", "Processor", "Intel", "AMD")) or "unknown CPU"
    return text if len(text) <= length else text[: length - 1] + "…"


def _printable(text: str) -> str:
    """Return a name without the characters that no XML can hold."""
    return "".join(character for character in text if character.isprintable())


def _rows_height(rows: Sequence[StageRow]) -> int:
    return 70 + 30 * max(len(rows), 2)


def _cut_note(rows: Sequence[StageRow], shown: Sequence[StageRow]) -> str:
    return f" {len(rows) - len(shown)} more rows are in the table." if len(rows) > len(shown) else ""


def _stack(ax: Axes, time: Timeline, flows: Sequence[Flow]) -> None:
    mplhep.histplot(
        [_numbers(flow) for flow in flows],
        _edges(time),
        ax=ax,
        stack=True,
        histtype="fill",
        color=[COLOURS[flow.name] for flow in flows],
        label=[flow.name for flow in flows],
        flow="none",
    )
    ax.set_ylim(bottom=0)
    ax.grid(visible=True, axis="y")
    ax.set_axisbelow(True)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))


def _numbers(flow: Flow) -> list[float]:
    return [0.0 if value is None else value for value in flow.values]


def _edges(time: Timeline) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the bins' edges as matplotlib counts time: days since the epoch, UTC."""
    count = len(time.sent_bytes_per_event.values) + 1
    return np.asarray((time.start + time.bin_s * np.arange(count)) / 86400, dtype=np.float64)


def _width(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
