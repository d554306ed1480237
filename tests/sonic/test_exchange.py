"""One event's hits on their way: each is in exactly one request at a time, however the sizes change."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sonic.exchange import Exchange


@given(st.integers(0, 200), st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=60))
def test_every_hit_is_handed_out_once_until_it_fails(n_hits: int, steps: list[tuple[int, bool]]) -> None:
    """Requests of any sizes, some of which come back to be sent again, must cover every hit once in the end."""
    exchange = Exchange(n_hits)
    answered: list[int] = []
    for most, fails in [*steps, *[(50, False)] * 100]:
        if not exchange.waits:
            break
        size = exchange.size_of_next(most)
        request = exchange.next_request(most)
        assert request.span.stop - request.span.start == size <= most
        if fails:
            exchange.again(replace(request, tries=request.tries + 1))
        else:
            answered += range(*request.span)
    assert sorted(answered) == list(range(n_hits))
    assert not exchange.unfinished
