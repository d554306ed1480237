"""One event's patches on their way: each is in exactly one request at a time, however the sizes change."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sonic.exchange import Exchange
from sonic.hit_pixels import Span
from sonic.message import Message, Most
from sonic.transport import Reply


class Cutter:
    """Cuts what it is told to, and no more than that."""

    def __init__(self) -> None:
        self.cuts = 0

    def cut(self, span: Span, most: Most) -> Message:
        """Return a message of as many patches as there may be, with a byte for each."""
        self.cuts += 1
        size = min(span.size, most.patches)
        return Message(Span(span.start, span.start + size), np.zeros(size, np.uint8))


@given(st.integers(0, 200), st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=60))
def test_every_patch_is_handed_out_once_until_it_fails(n_patches: int, steps: list[tuple[int, bool]]) -> None:
    """Requests of any sizes, some of which come back to be sent again, must cover every patch once in the end."""
    exchange = Exchange(n_patches, Cutter())
    answered: list[int] = []
    for most, fails in [*steps, *[(50, False)] * 100]:
        if not exchange.waits:
            break
        message = exchange.next_message(Most(most, 1e9))
        request = exchange.take(message)
        assert request.span == message.span
        assert 0 < request.span.size <= most
        if fails:
            exchange.again(replace(request, tries=request.tries + 1))
        else:
            answered += range(*request.span)
    assert sorted(answered) == list(range(n_patches))
    assert not exchange.unfinished


def test_a_message_is_cut_once_however_often_it_is_asked_for() -> None:
    """While a pacer holds a message, asking for it again must cost nothing; another size must make another one."""
    cutter = Cutter()
    exchange = Exchange(10, cutter)
    first = exchange.next_message(Most(4, 1e9))
    assert exchange.next_message(Most(4, 1e9)) is first
    assert cutter.cuts == 1
    assert exchange.next_message(Most(3, 1e9)).span == Span(0, 3)
    assert cutter.cuts == 2


def test_what_failed_goes_first_and_keeps_its_count() -> None:
    """A failed request must be the next one, in parts if it must be smaller, and each part was tried before."""
    exchange = Exchange(10, Cutter())
    request = exchange.take(exchange.next_message(Most(6, 1e9)))
    exchange.again(replace(request, tries=2))
    parts = [exchange.take(exchange.next_message(Most(4, 1e9))) for _ in range(3)]
    assert [(part.span, part.tries) for part in parts] == [(Span(0, 4), 2), (Span(4, 6), 2), (Span(6, 10), 0)]
    assert not exchange.waits


def test_a_wait_ends_with_a_reply_or_at_its_time() -> None:
    """A reply that is there must be taken at once, and a time that is over must not block."""
    exchange = Exchange(1, Cutter())
    assert exchange.wait(time.monotonic() - 1) is None
    exchange.replies.put(Reply(7))
    reply = exchange.wait(float("inf"))
    assert reply is not None
    assert reply.number == 7
