"""Which bins of the store a plot is made of: fine ones for the last hours, and as many as a plot can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.store.schema import BIN_S, FINE_BIN_S, KEEP_FINE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HEARTBEAT_S", "Bins", "Span", "bins_of", "whole_span"]

HEARTBEAT_S = 60.0
"""A job tells of a minute when it is over: what is younger is not complete yet."""

_MOST_BINS = 360
_WIDTHS_S = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)


@dataclass(frozen=True)
class Span:
    """A stretch of time, seconds since the epoch by the submit machine's clock."""

    begin: float
    end: float


@dataclass(frozen=True)
class Bins:
    """Equal bins over a span.

    Attributes:
        bin_s: width, seconds.
        starts: left edges, seconds since the epoch.
        of_store_s: width of the store's bins that they are summed from.

    """

    bin_s: int
    starts: tuple[int, ...]
    of_store_s: int

    @property
    def end(self) -> int:
        """Right edge of the last one."""
        return self.starts[-1] + self.bin_s

    def place(self, at: int) -> int:
        """Return the number of the bin in which a bin of the store lies."""
        return (at - self.starts[0]) // self.bin_s


def bins_of(span: Span, now: float, widths_s: Sequence[int] = _WIDTHS_S, most: int = _MOST_BINS) -> Bins:
    """Return bins for a span, no more than a plot can show.

    Args:
        span: to be covered.
        now: seconds since the epoch; what is older than a day has no fine bins.
        widths_s: that a bin may have.
        most: bins.

    """
    fine = span.begin >= now - KEEP_FINE_S + FINE_BIN_S
    of_store_s = FINE_BIN_S if fine else BIN_S
    length_s = max(span.end - span.begin, 1.0)
    fitting = [width for width in widths_s if width >= of_store_s and length_s / width <= most]
    bin_s = fitting[0] if fitting else max(widths_s)
    first = int(span.begin // bin_s) * bin_s
    if bin_s % BIN_S == 0:
        of_store_s = BIN_S
    return Bins(bin_s, tuple(range(first, int(span.end) + 1, bin_s)), of_store_s)


def whole_span(begin: float | None, now: float) -> Span:
    """Return the span from a campaign's first event until now; of an hour where there was none."""
    return Span(min(begin, now) if begin else now - 3600.0, now)
