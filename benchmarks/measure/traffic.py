"""What byte counters say of a link: arithmetic on samples, and nothing else.

Between two samples the traffic counts as even. The largest window is then exact: a piecewise linear counter grows most
over a window that begins or ends at a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from measure.errors import BenchmarkFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Counter", "RampWatch", "Span", "largest_window_mbps", "mean_mbps", "rates_mbps"]

BITS_PER_BYTE = 8


@dataclass(frozen=True, eq=False)
class Counter:
    """One interface's byte counter over time.

    Attributes:
        time_s: float64 (n,), rising; of the samples, by one clock.
        total_bytes: int64 (n,), never falling; bytes with all headers since any moment.

    """

    time_s: NDArray[np.float64]
    total_bytes: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse what no counter shows.

        Raises:
            BenchmarkFailed: fewer than two samples, time that stands still, or a counter that fell.

        """
        if len(self.time_s) < 2 or len(self.time_s) != len(self.total_bytes):
            raise BenchmarkFailed(f"{len(self.time_s)} samples of an interface say nothing about its traffic")
        if (np.diff(self.time_s) <= 0).any() or (np.diff(self.total_bytes) < 0).any():
            raise BenchmarkFailed("an interface's counter was set back while it was being measured")


@dataclass(frozen=True)
class Span:
    """A part of the measurement, s by the samples' clock."""

    begin_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end_s - self.begin_s


def mean_mbps(counter: Counter, span: Span) -> float:
    """Return the mean rate over a span, Mb/s."""
    begin, end = _at(counter, np.array([span.begin_s, span.end_s]))
    return float(end - begin) * BITS_PER_BYTE / 1e6 / span.seconds


def largest_window_mbps(counter: Counter, window_s: float = 1.0) -> float:
    """Return the mean rate of the window that carried most, Mb/s.

    Args:
        counter: of the interface.
        window_s: length of every window; they may begin at any moment.

    Raises:
        BenchmarkFailed: the samples are too few for one window.

    """
    first, last = counter.time_s[0], counter.time_s[-1]
    if last - first < window_s:
        raise BenchmarkFailed(f"{last - first:.1f} s of samples hold no window of {window_s:g} s")
    begins = np.concatenate([counter.time_s, counter.time_s - window_s])
    begins = begins[(begins >= first) & (begins + window_s <= last)]
    carried = _at(counter, begins + window_s) - _at(counter, begins)
    return float(carried.max()) * BITS_PER_BYTE / 1e6 / window_s


def rates_mbps(counter: Counter, window_s: float, step_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rate over time as a plot needs it: the mean of the window that ends at each step.

    Returns:
        Times of the windows' ends, float64 (n,), s; mean rates, float64 (n,), Mb/s.

    """
    ends = np.arange(counter.time_s[0] + window_s, counter.time_s[-1] + step_s / 1e3, step_s)
    return ends, (_at(counter, ends) - _at(counter, ends - window_s)) * BITS_PER_BYTE / 1e6 / window_s


def _at(counter: Counter, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(time_s, counter.time_s, counter.total_bytes)


class RampWatch:
    """Tells when a case has got under way: the jobs that fill the links run, and their number has stopped to grow.

    Args:
        settle_s: how long the number must not have exceeded its former largest value.

    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._most = 0
        self._grown_at_s = 0.0

    def note(self, now_s: float, running: int, *, enough: bool) -> bool:
        """Take in how many jobs run now, and whether they are enough; returns whether the ramp is over."""
        if running > self._most:
            self._most = running
            self._grown_at_s = now_s
        return enough and self._most > 0 and now_s - self._grown_at_s >= self._settle_s
