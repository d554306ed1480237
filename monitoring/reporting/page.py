"""Turns a report's numbers into one HTML page that needs nothing else: no script, no font, no server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup, escape

from monitoring.reporting.draw_plot import UNITS, draw_plot
from monitoring.reporting.plots import STAGES, draw_plots
from monitoring.reporting.round_off import round_interval, three_digits

if TYPE_CHECKING:
    from monitoring.numbers import DrawnPlot, Interval, ReportNumbers

__all__ = ["render_page"]

MOST_FAILED_SHOWN = 200
"""Rows of failed jobs and of rejected inputs on the page; report.json has them all."""

_NONE = "\N{EN DASH}"
"""Where there is no number."""

_STATES = {"complete": "Complete", "incomplete": "Not complete", "running": "Running"}


def render_page(numbers: ReportNumbers) -> str:
    """Return the page; whatever jobs and files say is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("monitoring.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _count,
        "large": _large,
        "short": _short,
        "spread": _spread,
        "error": _error,
        "percent": _percent,
        "bytes": _bytes,
        "megabytes": _megabytes,
        "utc": _utc,
        "duration": _duration,
        "codes": _codes,
        "rounded": _rounded,
        "rate": _rate,
        "three": _three,
    }
    # Markup: SVG that was drawn here; text in it was escaped by the XML writer.
    plots = {name: (plot, Markup(plot.svg)) for name, plot in draw_plots(numbers).items()}  # noqa: S704
    return environment.get_template("report.html").render(
        n=numbers,
        plots=plots,
        live=[(plot, Markup(draw_plot(plot)), _series(plot)) for plot in numbers.plots],  # noqa: S704 - as above
        stages=STAGES,
        units=UNITS,
        most=MOST_FAILED_SHOWN,
        state_title=_STATES[numbers.headline.state],
    )


def _count(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _large(value: int) -> Markup:
    """Write a count that may not fit as a power of ten."""
    if value < 10**8:
        return escape(_count(value))
    power = len(str(value)) - 1
    return Markup("{}\u202f\u00d7\u202f10<sup>{}</sup>").format(f"{value / 10**power:.2f}", power)


def _short(value: float | None) -> str:
    """Write a number with three digits that mean something."""
    if value is None:
        return _NONE
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return _count(round(value))
    return f"{value:#.3g}".removesuffix(".")


def _spread(interval: Interval | None) -> Markup:
    if interval is None:
        return escape(_NONE)
    value, low, high = (_short(number) for number in (interval.value, interval.low, interval.high))
    return Markup("{} <small>{}\u2013{}</small>").format(value, low, high)


def _error(interval: Interval | None) -> Markup:
    if interval is None:
        return escape(_NONE)
    up, down = interval.high - interval.value, interval.value - interval.low
    digits = 1 if max(up, down) >= 0.1 and interval.value >= 1 else 2
    return Markup('{} <small class="error"><span>+{}</span><span>\u2212{}</span></small>').format(
        f"{interval.value:.{digits}f}", f"{up:.{digits}f}", f"{down:.{digits}f}"
    )


def _rounded(interval: Interval | None) -> Markup:
    """Write a value and its errors, rounded to them."""
    if interval is None:
        return escape(_NONE)
    value, up, down = round_interval(interval)
    return Markup('{} <small class="error"><span>+{}</span><span>\u2212{}</span></small>').format(value, up, down)


def _rate(mbps: float | None, of_budget: float | None) -> Markup:
    if mbps is None:
        return escape(_NONE)
    share = Markup(" <small>{}</small>").format(_percent(of_budget)) if of_budget is not None else ""
    return Markup("{}{}").format(three_digits(mbps), share)


def _three(value: float) -> str:
    return three_digits(value)


@dataclass(frozen=True)
class Series:
    """What a line of a plot comes to, for those who do not see it: least, mean, most and last value."""

    name: str
    least: str
    mean: str
    most: str
    last: str


def _series(plot: DrawnPlot) -> list[Series]:
    rows = []
    for line in plot.lines:
        known = [value for value in line.values if value is not None]
        numbers = (min(known), sum(known) / len(known), max(known), known[-1])
        percents = plot.unit == "share"
        rows.append(Series(line.name, *(_percent(number) if percents else _short(number) for number in numbers)))
    return rows


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.0f}\u202f%"


def _bytes(value: float | None) -> str:
    return _NONE if value is None else _megabytes(value * 1e-6)


def _megabytes(value: float) -> str:
    for size, unit in ((1e6, "TB"), (1e3, "GB"), (1.0, "MB")):
        if value >= size:
            return f"{_short(value / size)}\u202f{unit}"
    return f"{_short(value * 1e3)}\u202fkB" if value else "0"


def _utc(seconds: float | None) -> str:
    return _NONE if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _duration(seconds: float) -> str:
    """Write seconds as people say them."""
    whole = round(seconds)
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size}\u202f{unit}" + (f" {rest}\u202f{small}" if rest else "")
    return f"{seconds:.3g}\u202fs"


def _codes(text: str) -> Markup:
    """Show what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else Markup("{}").format(part)
        for index, part in enumerate(parts)
    )
