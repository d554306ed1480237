"""Writes values as a terminal shows them: the one place that knows how each unit looks there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitoring.panels.panel import Cell, Unit

__all__ = ["NOTHING", "printable", "titled", "write", "write_duration", "write_range"]

NOTHING = "\N{EN DASH}"
"""Where nothing is known, which is never shown as 0."""

_UNITS: dict[Unit, str] = {"mbps": "Mb/s", "per_s": "/s", "per_h": "/h"}
_SIZES_MB = ((1e6, "TB"), (1e3, "GB"), (1.0, "MB"))
_STEPS_S = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def write(value: Cell, unit: Unit) -> str:
    """Return a value with its unit, on one line, without anything that would steer a terminal.

    Args:
        value: None where nothing is known.
        unit: what it is.

    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return printable(value)
    if unit == "count":
        return f"{round(value):,}"
    if unit == "share":
        return f"{100 * value:.0f} %"
    if unit == "s":
        return write_duration(value)
    if unit == "time":
        return _moment(value)
    if unit == "mb":
        return _megabytes(value)
    after = _UNITS.get(unit, "")
    return f"{_three_digits(value)} {after}".rstrip()


def titled(title: str, value: Cell, unit: Unit) -> str:
    """Return a value that stands beside its title: without the unit, where that says it."""
    text = write(value, unit)
    after = _UNITS.get(unit, "")
    return text.removesuffix(f" {after}") if after and after in title else text


def write_range(low: float | None, high: float | None, unit: Unit) -> str:
    """Return an interval; empty where there is none."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"{write(low, unit)} or more"
    return f"{write(low, unit)} to {write(high, unit)}"


def write_duration(seconds: float) -> str:
    """Return a length of time as people say it, in two steps at most."""
    whole = round(seconds)
    for size, unit, smaller, small in _STEPS_S:
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small}" if rest else "")
    if 0 < abs(seconds) < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.3g} s"


def printable(text: str) -> str:
    """Return what jobs and files say as one line of characters that only show."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))


def _three_digits(value: float) -> str:
    if abs(value) >= 1000 or value == int(value):
        return f"{round(value):,}"
    return f"{value:.3g}"


def _megabytes(value: float) -> str:
    for size, unit in _SIZES_MB:
        if abs(value) >= size:
            return f"{_three_digits(float(f'{value / size:.3g}'))} {unit}"
    return f"{value * 1e3:.3g} kB" if value else "0 MB"


def _moment(at: float) -> str:
    """Write a moment by this machine's clock, with the day where it is another one."""
    then = time.localtime(at)
    same_day = time.strftime("%Y%j", then) == time.strftime("%Y%j")
    clock = "%H:%M:%S" if then.tm_sec else "%H:%M"
    return time.strftime(clock if same_day else "%d %b %H:%M", then)
