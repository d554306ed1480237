"""What a scorer says of its traffic: sums, and how long the answers took."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonic.scores import LATENCY_BOUNDS_S, Traffic


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(0, 10**9)), max_size=50))
def test_every_answer_is_counted_once(answers: list[tuple[float, int]]) -> None:
    """Requests, bytes, seconds and the histogram must agree, whatever the latencies."""
    traffic = Traffic(bytes_sent=5, retries=2)
    for latency_s, size in answers:
        traffic = traffic.with_answer(latency_s, size)
    assert traffic.requests == sum(traffic.latency_counts) == len(answers)
    assert traffic.bytes_received == sum(size for _, size in answers)
    assert traffic.latency_s == pytest.approx(sum(latency_s for latency_s, _ in answers))
    assert (traffic.bytes_sent, traffic.retries) == (5, 2)
    lower = 0.0
    for upper, count in zip((*LATENCY_BOUNDS_S, float("inf")), traffic.latency_counts, strict=True):
        expected = [latency_s for latency_s, _ in answers if lower < latency_s <= upper or latency_s == lower == 0.0]
        assert count == len(expected)
        lower = upper


@pytest.mark.parametrize(
    ("latency_s", "place"), [(0.0, 0), (0.01, 0), (0.0100001, 1), (1.0, 6), (60.0, 11), (61.0, 12)]
)
def test_a_latency_on_a_bound_belongs_below_it(latency_s: float, place: int) -> None:
    """Each class takes its upper end; the last one takes all that is longer than every bound."""
    counts = Traffic().with_answer(latency_s, 0).latency_counts
    assert [number for number, count in enumerate(counts) if count] == [place]


def test_the_bounds_are_ascending() -> None:
    """Otherwise no class could be found."""
    assert all(lower < upper for lower, upper in pairwise(LATENCY_BOUNDS_S))
    assert len(Traffic().latency_counts) == len(LATENCY_BOUNDS_S) + 1
