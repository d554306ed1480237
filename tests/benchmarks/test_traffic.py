"""What the link benchmark computes from byte counters: windows, means, and when a ramp is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from measure.errors import BenchmarkFailed
from measure.traffic import Counter, RampWatch, Span, largest_window_mbps, mean_mbps, rates_mbps

if TYPE_CHECKING:
    from collections.abc import Sequence

MBPS = 125_000
"""Bytes in a second at 1 Mb/s."""


def _counter(rates_mbps_: Sequence[float], step_s: float = 0.1, start_s: float = 50.0) -> Counter:
    """Return a counter that runs at these rates, each for one step."""
    carried = np.cumsum([0.0, *(rate * MBPS * step_s for rate in rates_mbps_)])
    times = np.linspace(start_s, start_s + step_s * (len(carried) - 1), len(carried))
    return Counter(times, np.round(carried + 1e9).astype(np.int64))


def test_largest_window_finds_a_burst_wherever_it_lies() -> None:
    """A second of 100 Mb/s is found although it does not begin with a window, and longer windows thin it out."""
    counter = _counter([10] * 13 + [100] * 10 + [10] * 27)

    assert largest_window_mbps(counter) == pytest.approx(100)
    assert largest_window_mbps(counter, 2.0) == pytest.approx(55)
    assert mean_mbps(counter, Span(50.0, 55.0)) == pytest.approx(28)


def test_a_burst_shorter_than_the_window_counts_with_its_whole_second() -> None:
    """Three tenths at 100 Mb/s and silence else are 30 Mb/s in the second that holds them."""
    assert largest_window_mbps(_counter([0] * 20 + [100] * 3 + [0] * 20)) == pytest.approx(30)


def test_windows_are_exact_between_uneven_samples() -> None:
    """A late sample does not hide a burst: the time between the samples counts, not their number."""
    counter = Counter(np.array([0.0, 0.1, 0.7, 2.0]), np.array([0, 0, 60 * MBPS, 60 * MBPS]))

    assert largest_window_mbps(counter) == pytest.approx(60)
    assert largest_window_mbps(counter, 0.3) == pytest.approx(100)


def test_mean_may_begin_between_samples() -> None:
    """A span that cuts through a step gets the part of it that lies inside."""
    assert mean_mbps(_counter([0] * 10 + [80] * 10), Span(50.95, 51.05)) == pytest.approx(40)


def test_rates_over_time_are_means_of_the_window_before() -> None:
    """The plotted rate at a time is that of the second up to it, from the first whole second on."""
    ends, rates = rates_mbps(_counter([0] * 10 + [40] * 10), window_s=1.0, step_s=0.5)

    assert ends == pytest.approx([51.0, 51.5, 52.0])
    assert rates == pytest.approx([0, 20, 40])


@pytest.mark.parametrize(
    ("times", "counts", "what"),
    [
        ([0.0], [0], "1 samples"),
        ([0.0, 0.0], [0, 1], "set back"),
        ([0.0, 1.0], [5, 4], "set back"),
    ],
)
def test_what_no_counter_shows_is_refused(times: list[float], counts: list[int], what: str) -> None:
    """Too few samples, a clock that stands, a counter that falls: an error rather than a number."""
    with pytest.raises(BenchmarkFailed, match=what):
        Counter(np.array(times), np.array(counts))


def test_no_window_fits_into_too_few_samples() -> None:
    """Half a second of samples cannot say what a second carried."""
    with pytest.raises(BenchmarkFailed, match="hold no window"):
        largest_window_mbps(_counter([10] * 5))


def test_a_ramp_is_over_when_the_jobs_grow_no_more() -> None:
    """It is not over before the first job, nor while more start; jobs that end do not begin it anew."""
    watch = RampWatch(settle_s=10)

    assert not watch.note(0, 0, enough=True)
    assert not watch.note(100, 0, enough=True)
    assert not watch.note(101, 3, enough=True)
    assert not watch.note(108, 5, enough=True)
    assert not watch.note(117, 4, enough=True)
    assert watch.note(118, 5, enough=True)


def test_a_ramp_that_pauses_before_the_links_are_full_goes_on() -> None:
    """Pilots that run alone for a while are not the steady part."""
    watch = RampWatch(settle_s=10)

    assert not watch.note(0, 3, enough=False)
    assert not watch.note(60, 3, enough=False)
    assert not watch.note(61, 8, enough=True)
    assert watch.note(71, 8, enough=True)
