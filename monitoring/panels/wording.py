"""Numbers and names inside of sentences; whatever shows a panel writes those outside of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["figure", "length", "listed", "number_of", "percent", "silence"]

_DAY_S = 86400.0


def figure(value: float) -> str:
    """Return a number with three figures, or all of those before the point."""
    size = abs(value)
    if 0 < size < 0.001:
        return "less than 0.001"
    return f"{value:,.0f}" if size >= 99.95 else f"{value:.3g}"


def number_of(count: int, one: str, more: str = "") -> str:
    """Return a number with its noun: "1 job", "1,200 jobs"."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def percent(share: float) -> str:
    """Return a share; 100 % only for all of it, and 0 % only for nothing."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    cut = min(share, 0.999) if share < 1 else share
    return f"{100 * cut:.3g} %" if cut < 10 else f"{100 * cut:,.0f} %"


def length(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if seconds < 2 * _DAY_S:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def silence(seconds: float) -> str:
    """Return for how long something was not heard of, in steps: words that change all the time draw the eye."""
    for least_s, words in ((_DAY_S, "a day"), (3600.0, "an hour"), (600.0, "10 minutes")):
        if seconds >= least_s:
            return f"more than {words}"
    return "more than 2 minutes"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names in a row: "A, B and C", or "A, B and 7 more"."""
    shown = list(names[:most]) if len(names) > most else list(names)
    rest = len(names) - len(shown)
    if rest:
        shown.append(f"{rest:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
