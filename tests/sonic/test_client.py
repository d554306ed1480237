"""The client: every hit its own scores, in requests as large as they may be."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonic.client import Client
from sonic.errors import EndpointAway, EndpointOverloaded, RequestRefused, RequestTooLarge, SonicError
from sonic.fake import FakeTransport, Fault
from sonic.network import PATCH_BYTES
from tests.builders.client import FORMATS, QUICK, a_client, a_sparse_view, a_view, assert_right, quick

if TYPE_CHECKING:
    from collections.abc import Callable

    from sonic.message import Message
    from sonic.transport import Reply
    from sonic.wire_format import WireFormat

both_formats = pytest.mark.parametrize("wire_format", FORMATS)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=4), st.integers(0, 1000), st.sampled_from(FORMATS))
def test_scores_belong_to_their_hits_whatever_the_order_of_the_answers(
    hits: list[int], seed: int, wire_format: WireFormat
) -> None:
    """Answers that overtake each other must still land on their own hits."""
    views = [a_view(n, number) for number, n in enumerate(hits)]
    with a_client(FakeTransport(order=Random(seed)), wire_format=wire_format) as client:
        assert_right(views, client.score(views))


_FAULTS: list[SonicError | Fault | None] = [
    None,
    EndpointAway("away"),
    EndpointOverloaded("full"),
    Fault.SHORT,
    Fault.NAN,
    Fault.LATE,
]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(_FAULTS), max_size=6),
    st.lists(st.sampled_from(_FAULTS), max_size=4),
    st.integers(0, 1000),
    st.sampled_from(FORMATS),
)
def test_every_hit_gets_its_scores_through_any_short_trouble(
    first: list[SonicError | Fault | None],
    second: list[SonicError | Fault | None],
    seed: int,
    wire_format: WireFormat,
) -> None:
    """Whatever two endpoints do to the first requests, the scores must be complete and right in the end."""
    pool = [FakeTransport("a:1", script=first, order=Random(seed)), FakeTransport("b:1", script=second)]
    views = [a_view(30, 1), a_view(13, 2)]
    limits = quick(bad_answers_allowed=10, request_timeout_s=0.02)
    with a_client(*pool, limits=limits, wire_format=wire_format) as client:
        assert_right(views, client.score(views))
        failed = sum(step is not None for step in first[: len(pool[0].batches)])
        failed += sum(step is not None for step in second[: len(pool[1].batches)])
        assert client.traffic().retries == failed
        assert client.traffic().requests == 6


@both_formats
def test_an_event_without_hits_asks_nobody(wire_format: WireFormat) -> None:
    """No hits must mean no check, no request and no scores."""
    fake = FakeTransport()
    with a_client(fake, wire_format=wire_format) as client:
        assert client.score([]) == []
        assert [one.michel.shape for one in client.score([a_view(0)])] == [(0,)]
    assert fake.n_checks == 0
    assert fake.batches == []


def test_the_traffic_is_counted() -> None:
    """Requests, retries, latencies and bytes must add up, repeats included."""
    with a_client(FakeTransport(script=[EndpointAway("away")])) as client:
        client.score([a_view(20)])
        traffic = client.traffic()
        assert client.endpoint == "fake:8001"
    assert (traffic.requests, traffic.retries) == (3, 1)
    assert sum(traffic.latency_counts) == 3
    assert traffic.bytes_sent in (28 * PATCH_BYTES, 24 * PATCH_BYTES)  # the repeated batch had 8 hits or 4
    assert traffic.bytes_received == 20 * 16


@pytest.mark.parametrize(
    ("wire_format", "of_client", "of_server"),
    [("patches", [8, 8, 1], [5, 5, 5, 2]), ("views", [6, 6, 5], [5, 4, 4, 4])],
)
def test_requests_obey_client_and_server(wire_format: WireFormat, of_client: list[int], of_server: list[int]) -> None:
    """A request must be for no more patches than the smaller one of the two limits; strips are of like size."""
    large, small = FakeTransport(), FakeTransport(max_batch=5)
    for fake, batches in ((large, of_client), (small, of_server)):
        with a_client(fake, wire_format=wire_format) as client:
            views = [a_view(17)]
            assert_right(views, client.score(views))
        assert fake.batches == batches


@both_formats
def test_a_server_that_says_nothing_of_sizes_gets_single_patches(wire_format: WireFormat) -> None:
    """max_batch_size 0 means no batching in Triton; one patch at a time is always right."""
    fake = FakeTransport(max_batch=0)
    with a_client(fake, wire_format=wire_format) as client:
        client.score([a_view(3)])
    assert fake.batches == [1, 1, 1]


class _Narrow(FakeTransport):
    """Takes no request of more bytes than it says."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes
        self.refused = 0

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Refuse what is too large."""
        if message.payload_bytes > self._most_bytes:
            self.refused += 1
            self._script.append(RequestTooLarge("larger than max"))
        return super().send(number, message, timeout_s, done)


@pytest.mark.parametrize(("wire_format", "most_bytes"), [("patches", 3 * PATCH_BYTES), ("views", 3000)])
def test_a_request_that_is_too_large_is_asked_in_smaller_ones(wire_format: WireFormat, most_bytes: int) -> None:
    """Something on the way that takes less than the server says must cost some requests, once, and no scores."""
    fake = _Narrow(most_bytes)
    limits = quick(batch_patches=64, message_patches=64)
    with a_client(fake, limits=limits, wire_format=wire_format) as client:
        views = [a_sparse_view(60, 1), a_sparse_view(20, 2)]
        assert_right(views, client.score(views))
        refused = fake.refused
        assert_right(views, client.score(views))
    assert 0 < refused <= 10
    assert fake.refused == refused


@both_formats
def test_a_single_patch_that_is_too_large_is_the_last_word(wire_format: WireFormat) -> None:
    """What cannot be made smaller must be reported, not repeated for ever."""
    fake = _Narrow(100)
    with a_client(fake, wire_format=wire_format) as client, pytest.raises(RequestTooLarge, match="larger than max"):
        client.score([a_view(8)])
    assert 1 in fake.batches


def test_the_window_bounds_requests_and_bytes() -> None:
    """No more may be in flight than either bound says, but several at once where both allow it."""
    by_count = FakeTransport(order=Random(1))
    with a_client(by_count) as client:
        client.score([a_view(100)])
    assert by_count.most_in_flight == QUICK.window_requests
    by_bytes = FakeTransport(order=Random(1))
    with a_client(by_bytes, limits=quick(window_bytes=17 * PATCH_BYTES)) as client:
        client.score([a_view(100)])
    assert by_bytes.most_in_flight == 2
    assert by_bytes.most_bytes_in_flight <= 17 * PATCH_BYTES


@both_formats
def test_one_request_goes_however_small_the_window_is(wire_format: WireFormat) -> None:
    """A window of one byte must still send one request at a time."""
    tiny = FakeTransport()
    with a_client(tiny, limits=quick(window_bytes=1), wire_format=wire_format) as client:
        views = [a_view(20)]
        assert_right(views, client.score(views))
    assert tiny.most_in_flight == 1


def test_leaving_hangs_up_and_coming_back_works() -> None:
    """Closing must close every open transport, and no other; the next event opens it again."""
    fake, unused = FakeTransport("a:1"), FakeTransport("b:1")
    client = a_client(fake, unused)
    with client:
        client.score([a_view(8)])
    assert fake.closed
    assert not unused.closed
    views = [a_view(8)]
    assert_right(views, client.score(views))
    assert fake.n_checks == 2


def test_a_client_without_endpoints_is_refused() -> None:
    """A site without endpoints must be an error that says where to add one."""
    with pytest.raises(RequestRefused, match="endpoints"):
        Client([])
