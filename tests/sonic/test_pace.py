"""The pacer: no second holds more than the share, whatever is sent, and little of the share stays unused."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonic.pace import ASK_AGAIN_S, CATCH_UP, WINDOW_S, WIRE_OVERHEAD, Pacer, wire_bytes

MBPS = 125_000.0
"""Bytes per second in one Mb/s."""


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass
class Link:
    """A client that asks the pacer as often as it is told to, and what it sent."""

    clock: Clock
    pacer: Pacer
    sent: list[tuple[float, int]] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)

    def set_rate(self, rate: float) -> None:
        """Change the share."""
        self.pacer.set_rate(rate)
        self.rates.append((self.clock.now, rate))

    def send(self, payload_bytes: int, give_up_after_s: float = math.inf) -> bool:
        """Send as soon as the pacer lets it."""
        waited_s = 0.0
        while wait_s := self.pacer.wait_s(payload_bytes):
            assert 0 < wait_s <= ASK_AGAIN_S
            if waited_s > give_up_after_s:
                return False
            self.clock.now += wait_s
            waited_s += wait_s
        self.pacer.sent(payload_bytes)
        self.sent.append((self.clock.now, wire_bytes(payload_bytes)))
        return True

    def largest_rate_in(self, start: float, stop: float) -> float:
        """Return the largest share in force in a stretch, bytes per second."""
        before = [rate for at, rate in self.rates if at <= start][-1:]
        return max(before + [rate for at, rate in self.rates if start < at <= stop]) * MBPS


def a_link(rate: float) -> Link:
    """Return a client at a share."""
    clock = Clock()
    link = Link(clock, Pacer(rate, clock=clock))
    link.rates.append((clock.now, rate))
    return link


RATES = st.floats(0.05, 2000.0)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.one_of(st.integers(1, 100_000), st.integers(1, 4_000_000))),
        st.tuples(st.just("idle"), st.floats(0.0, 3.0)),
        st.tuples(st.just("rate"), RATES),
    ),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(RATES, STEPS)
def test_no_second_holds_more_than_the_share(rate: float, steps: list[tuple[str, float]]) -> None:
    """Over any second at any phase: at most the largest share in force in it, or one larger request alone."""
    link = a_link(rate)
    for what, number in steps:
        if what == "send":
            link.send(int(number), give_up_after_s=5.0)
        elif what == "idle":
            link.clock.now += number
        else:
            link.set_rate(number)
    for last, (end, _) in enumerate(link.sent):
        held = [size for at, size in link.sent[: last + 1] if at + WINDOW_S > end]
        alone = len(held) == 1
        assert alone or sum(held) <= link.largest_rate_in(end - WINDOW_S, end) * WINDOW_S


@settings(max_examples=50, deadline=None)
@given(RATES, st.lists(st.floats(0.001, 0.03), min_size=1, max_size=5), st.lists(st.floats(0, 0.004), min_size=1))
def test_the_share_is_used(rate: float, parts: list[float], late_s: list[float]) -> None:
    """With always something to send, in requests of at most 3 % of a second, 97 % of the share must flow.

    Also when every request comes a little late, as on a busy machine.
    """
    link = a_link(rate)
    start, n = link.clock.now, 0
    while link.clock.now < start + 5:
        link.send(max(1, int(rate * MBPS * parts[n % len(parts)] / WIRE_OVERHEAD) - 1))
        # Work between two requests; less than half of what the smallest request is worth, or nothing could keep up.
        link.clock.now += min(late_s[n % len(late_s)], 0.4 * parts[n % len(parts)])
        n += 1
    # At the lowest rates a request is a few dozen bytes, and rounding it up to whole bytes counts.
    used = sum(size for _, size in link.sent) / (rate * MBPS * (link.clock.now - start))
    assert used >= 0.97 - n * 2 / (rate * MBPS * 5)


def test_requests_do_not_come_in_a_burst() -> None:
    """From the start they must be spread evenly, not crowd at the beginning of each second."""
    link = a_link(10.0)
    for _ in range(400):
        link.send(12_000)
    times = [at for at, _ in link.sent]
    even = wire_bytes(12_000) / (10.0 * MBPS)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= even / CATCH_UP - 1e-6
    assert max(gaps) <= 2.5 * even


def test_a_short_gap_is_caught_up_with_moderately() -> None:
    """After a gap requests follow each other somewhat faster than the share, and the gap is made good."""
    link = a_link(10.0)
    while link.clock.now < 1003.0:
        link.send(12_000)
    link.clock.now += 0.15
    before, at = len(link.sent), link.clock.now
    while link.clock.now < at + 0.5:
        link.send(12_000)
    caught_up = sum(size for _, size in link.sent[before:]) / (10.0 * MBPS * 0.5)
    assert 1.2 < caught_up < CATCH_UP + 0.05


def test_a_long_pause_is_not_caught_up_with() -> None:
    """What was not sent a second ago is lost: the next second must not run ahead of the share."""
    link = a_link(10.0)
    link.send(12_000)
    link.clock.now += 30
    start = link.clock.now
    while link.clock.now < start + 0.5:
        link.send(12_000)
    assert sum(size for at, size in link.sent if at >= start) <= 10.0 * MBPS * 0.5 + 2 * wire_bytes(12_000)


def test_a_request_larger_than_a_second_goes_alone_and_is_paid_for() -> None:
    """It must wait for an empty window, and the next one until the average is back at the share."""
    link = a_link(1.0)
    link.send(10_000)
    link.send(500_000)
    link.send(10_000)
    (first, _), (large, size), (after, _) = link.sent
    assert large >= first + WINDOW_S
    assert after - large == pytest.approx(size / MBPS, rel=0.01)


def test_a_share_that_is_raised_counts_at_once() -> None:
    """A waiting client must notice within ASK_AGAIN_S, also when it was told to send nothing at all."""
    link = a_link(0.0)
    assert link.pacer.wait_s(10_000) == ASK_AGAIN_S
    link.clock.now += 100
    assert link.pacer.wait_s(10_000) == ASK_AGAIN_S
    assert link.pacer.blocked_s == pytest.approx(100)
    link.set_rate(10.0)
    assert link.pacer.wait_s(10_000) == 0


def test_without_a_rate_nothing_waits() -> None:
    """None means no pacing, whatever was sent; a share that comes later counts what was sent in the last second."""
    clock = Clock()
    pacer = Pacer(None, clock=clock)
    for _ in range(100):
        assert pacer.wait_s(10**9) == 0
        pacer.sent(10**6)
    assert pacer.blocked_s == 0
    assert pacer.payload_bytes_in(0.001) == math.inf
    pacer.set_rate(1000.0)
    assert pacer.wait_s(10**6) > 0


def test_blocked_seconds_are_those_between_the_refusal_and_the_permission() -> None:
    """Time in which nothing was asked for must not count."""
    link = a_link(8.0)
    link.send(100_000)
    assert link.pacer.blocked_s == 0
    link.send(100_000)
    assert link.pacer.blocked_s == pytest.approx(wire_bytes(100_000) / 1e6, rel=1e-4)
    before = link.pacer.blocked_s
    link.clock.now += 5
    link.send(100_000)
    assert link.pacer.blocked_s == before


def test_payload_and_wire_agree() -> None:
    """What may be handed over in a second must come to the share on the wire."""
    pacer = Pacer(34.0)
    assert wire_bytes(int(pacer.payload_bytes_in(1.0))) == pytest.approx(34.0 * MBPS, abs=2)


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_a_share_must_be_a_number(rate: float) -> None:
    """Nonsense must be refused before it stops a job or frees it."""
    with pytest.raises(ValueError, match="Mb/s"):
        Pacer(rate)
    pacer = Pacer(5.0)
    with pytest.raises(ValueError, match="Mb/s"):
        pacer.set_rate(rate)
    assert pacer.rate_mbps == 5.0
