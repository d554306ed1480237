"""The client with a share: never more in any second, and as little waiting as the share allows."""

from __future__ import annotations

import threading
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from sonic.errors import EndpointAway
from sonic.fake import FakeTransport
from sonic.limits import Limits
from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD, Pacer
from tests.builders.client import FORMATS, a_client, a_sparse_view, a_view, assert_right

if TYPE_CHECKING:
    from sonic.wire_format import WireFormat

both_formats = pytest.mark.parametrize("wire_format", FORMATS)


class _Noting(Pacer):
    """Remembers what was sent when, by the times that it went by itself: a busy machine must not fail a test."""

    def __init__(self, rate_mbps: float) -> None:
        self._now = 0.0
        self.noted: list[tuple[float, int]] = []
        super().__init__(rate_mbps, clock=self._look)

    def _look(self) -> float:
        self._now = time.monotonic()
        return self._now

    def sent(self, payload_bytes: int) -> None:
        """Note the request."""
        super().sent(payload_bytes)
        self.noted.append((self._now, payload_bytes))

    def most_in_a_second(self) -> float:
        """Bytes on the wire in the fullest second."""
        seconds = [sum(size for at, size in self.noted if at <= end < at + 1.0) for end, _ in self.noted]
        return max(seconds) * WIRE_OVERHEAD


def test_a_paced_client_stays_within_its_share() -> None:
    """Over any second, repeats included, at most the share; and a request is a small part of a second's worth."""
    fake = FakeTransport(script=[None, EndpointAway("hiccup"), None, EndpointAway("hiccup")])
    pacer = _Noting(30.0)
    with a_client(fake, pacer=pacer, limits=Limits(backoff_first_s=0.01)) as client:
        views = [a_view(700)]
        assert_right(views, client.score(views))
        traffic = client.traffic()
    assert max(fake.batches) * PATCH_BYTES * WIRE_OVERHEAD <= 30 * 125_000 / 8  # an eighth of a second's worth
    assert traffic.retries == 2
    assert len(pacer.noted) == len(fake.batches)
    assert sum(size for _, size in pacer.noted) >= traffic.bytes_sent
    assert pacer.most_in_a_second() <= 30 * 125_000
    # What the wire needs beyond the first request, the pacer waited for.
    assert traffic.paced_s > 0.5 * (700 * PATCH_BYTES * WIRE_OVERHEAD / (30 * 125_000))


def test_messages_of_views_stay_within_the_share_too() -> None:
    """The same for strips, whose sizes are known only once they are packed."""
    fake = FakeTransport(script=[None, EndpointAway("hiccup")])
    pacer = _Noting(0.2)
    limits = Limits(backoff_first_s=0.01, least_message_bytes=2_000)
    with a_client(fake, pacer=pacer, limits=limits, wire_format="views") as client:
        views = [a_sparse_view(100)]
        assert_right(views, client.score(views))
    assert len(fake.batches) > 2
    assert max(size for _, size in pacer.noted) * WIRE_OVERHEAD < 0.3 * 0.2 * 125_000
    assert pacer.most_in_a_second() <= 0.2 * 125_000


def test_answers_are_taken_while_the_pacer_holds_a_request() -> None:
    """The latency must be that of the endpoint, not of the next request's turn."""
    with a_client(FakeTransport(), pacer=Pacer(1.0), limits=Limits()) as client:
        client.score([a_view(5)])
        traffic = client.traffic()
    assert traffic.requests == 5
    assert traffic.paced_s > 0.25
    assert traffic.latency_s < 0.5 * traffic.paced_s


@both_formats
def test_waiting_for_the_pacer_does_not_use_up_patience(wire_format: WireFormat) -> None:
    """A share of zero stops the job for as long as it lasts, and a raised share lets it go on."""
    pacer = Pacer(0.0)
    raise_share = threading.Timer(0.6, lambda: pacer.set_rate(1000.0))
    raise_share.start()
    fake = FakeTransport()
    with a_client(fake, pacer=pacer, limits=Limits(patience_s=0.1), wire_format=wire_format) as client:
        views = [a_view(9)]
        assert_right(views, client.score(views))
    raise_share.join()
    assert client.traffic().paced_s >= 0.5


@both_formats
def test_a_pool_that_is_away_is_given_up_by_a_paced_client_too(wire_format: WireFormat) -> None:
    """The pacer must not make a dead pool look alive."""
    fake = FakeTransport(script=[EndpointAway("down")] * 10_000)
    client = a_client(fake, pacer=Pacer(50.0), limits=Limits(patience_s=0.3), wire_format=wire_format)
    with client, pytest.raises(EndpointAway, match="down"):
        client.score([a_view(50)])


def test_the_size_of_requests_follows_the_share() -> None:
    """A share that changes within an event must change the next request; one patch is the least."""
    fake = FakeTransport()
    pacer = Pacer(None)
    with a_client(fake, pacer=pacer, limits=Limits(largest_request_bytes=100 * PATCH_BYTES)) as client:
        client.score([a_view(250)])
        pacer.set_rate(10.0)
        client.score([a_view(20)])
        pacer.set_rate(0.2)
        client.score([a_view(2)])
    assert fake.batches == [100, 100, 50, 16, 4, 1, 1]


class _Willing(Pacer):
    """Has a share and holds nothing, so that a small one costs a test no time."""

    def wait_s(self, payload_bytes: int) -> float:
        """Let everything go."""
        del payload_bytes
        return 0.0


def test_the_size_of_messages_follows_the_share_down_to_the_least() -> None:
    """Strips repeat more of each other the smaller they are, so there is a size below which they are not made."""
    largest = []
    for rate in (None, 0.2, 0.02, 0.0):
        fake = FakeTransport()
        limits = Limits(least_message_bytes=3_000)
        with a_client(fake, pacer=_Willing(rate), limits=limits, wire_format="views") as client:
            client.score([a_sparse_view(300)])
        largest.append(fake.most_bytes_in_flight)
    whole, quarter_second, least, stopped = largest
    assert whole > 8_000
    assert 3_000 < quarter_second <= 0.25 * 0.2 * 125_000
    assert 1_500 < least == stopped <= 3_000


def test_a_paced_client_has_more_of_its_smaller_requests_in_flight() -> None:
    """A pool that takes long to answer must not keep the share from being used."""
    fake = FakeTransport(order=Random(2))
    limits = Limits(batch_patches=1, window_requests=2, paced_window_requests=9)
    with a_client(fake, pacer=Pacer(2000.0), limits=limits) as client:
        client.score([a_view(200)])
    assert 2 < fake.most_in_flight <= 9
