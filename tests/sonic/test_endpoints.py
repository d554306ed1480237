"""Which endpoint is asked when: preference, back-off and what counts as one failure."""

from __future__ import annotations

import time

import pytest

from sonic.endpoints import Endpoint, Endpoints
from sonic.errors import EndpointAway, EndpointOverloaded, EndpointUntrusted, ModelMissing, RequestRefused, TokenRefused
from sonic.fake import FakeTransport
from sonic.limits import Limits

LIMITS = Limits(backoff_first_s=100.0, backoff_max_s=1000.0)


def endpoints_of(*pool: FakeTransport, limits: Limits = LIMITS) -> Endpoints:
    """Return the list of some fake endpoints."""
    by_name = {transport.endpoint: transport for transport in pool}
    return Endpoints(list(by_name), limits, by_name.__getitem__)


def picked(endpoints: Endpoints) -> Endpoint:
    """Return the endpoint to ask, which must be there."""
    choice = endpoints.pick()
    assert choice is not None
    return choice[0]


def test_requests_that_fail_together_are_one_failure() -> None:
    """A window of requests cut off by one crash must back off once; a request sent after it counts again."""
    endpoints = endpoints_of(FakeTransport())
    endpoint = picked(endpoints)
    sent_at = time.monotonic()
    for _ in range(3):
        endpoints.failed(endpoint, EndpointAway("crash"), sent_at=sent_at)
    assert endpoint.failures == 1
    endpoints.failed(endpoint, EndpointAway("crash"), sent_at=time.monotonic())
    assert endpoint.failures == 2


def test_waits_grow_with_the_failures_in_a_row_up_to_a_limit() -> None:
    """Each wait must be drawn from 0 to twice the ceiling of the one before, and an answer must begin anew."""
    endpoints = endpoints_of(FakeTransport())
    endpoint = picked(endpoints)
    for ceiling in (100, 200, 400, 800, 1000, 1000):
        longest = 0.0
        number = endpoint.failures
        for _ in range(200):
            endpoint.failures = number
            endpoints.failed(endpoint, EndpointAway("down"), sent_at=time.monotonic())
            longest = max(longest, endpoint.alone_until - endpoint.failed_at)
        assert 0.9 * ceiling < longest <= ceiling
    endpoints.answered(endpoint)
    endpoints.failed(endpoint, EndpointAway("down"), sent_at=time.monotonic())
    assert endpoint.alone_until - endpoint.failed_at <= 100


def test_while_all_are_left_alone_there_is_none_to_ask() -> None:
    """The next try must be at the first endpoint's time, and not before."""
    endpoints = endpoints_of(FakeTransport("a:1", checks=[EndpointAway("a")]), FakeTransport("b:1"))
    second = picked(endpoints)
    assert second.url == "b:1"
    endpoints.failed(second, EndpointAway("b"), sent_at=time.monotonic())
    assert endpoints.pick() is None
    assert time.monotonic() < endpoints.next_try_at() <= second.alone_until
    assert endpoints.last_errors() == "a; b"


def test_a_refusal_is_final_but_others_are_waited_for() -> None:
    """While one endpoint is only away, the refusal of another must not end the job."""
    away = FakeTransport("b:1", checks=[EndpointAway("b is down")])
    endpoints = endpoints_of(
        FakeTransport("a:1", checks=[ModelMissing("a has no model")]), away, limits=Limits(backoff_first_s=0.001)
    )
    assert endpoints.pick() is None
    time.sleep(0.002)
    assert picked(endpoints).url == "b:1"


def test_when_all_refuse_the_first_refusal_is_raised() -> None:
    """The preferred endpoint's words must reach the user."""
    endpoints = endpoints_of(
        FakeTransport("a:1", checks=[ModelMissing("a has no model")]),
        FakeTransport("b:1", checks=[RequestRefused("b wants a token")]),
    )
    with pytest.raises(ModelMissing, match="a has no model"):
        endpoints.pick()


def test_a_refused_token_is_no_final_refusal() -> None:
    """A token may be renewed, so its endpoint is left alone for a while and asked again."""
    fake = FakeTransport(checks=[TokenRefused("expired")])
    endpoints = endpoints_of(fake, limits=Limits(backoff_first_s=1e-6, backoff_max_s=1e-6))
    assert endpoints.pick() is None
    time.sleep(0.001)
    assert picked(endpoints).url == fake.endpoint
    assert isinstance(endpoints.last_error(), TokenRefused)


def test_the_last_error_is_that_of_the_most_preferred_endpoint_that_failed() -> None:
    """Whatever failed last in time, the first endpoint in order is what the user should look at."""
    endpoints = endpoints_of(FakeTransport("a:1"), FakeTransport("b:1"), FakeTransport("c:1"))
    assert endpoints.last_error() is None
    first = picked(endpoints)
    endpoints.failed(first, EndpointAway("a"), sent_at=time.monotonic())
    second = picked(endpoints)
    assert (first.url, second.url) == ("a:1", "b:1")
    endpoints.failed(second, EndpointAway("b"), sent_at=time.monotonic())
    assert str(endpoints.last_error()) == "a"


def test_an_endpoint_that_is_not_trusted_gets_a_new_transport() -> None:
    """The old one has read its certificates; one that is only away keeps its connection."""
    opened: list[FakeTransport] = []

    def open_transport(url: str) -> FakeTransport:
        opened.append(FakeTransport(url))
        return opened[-1]

    endpoints = Endpoints(["a:1"], Limits(backoff_first_s=1e-9, backoff_max_s=1e-9), open_transport)
    for error, n_opened in ((EndpointAway("down"), 1), (EndpointUntrusted("expired"), 2)):
        endpoints.failed(picked(endpoints), error, sent_at=time.monotonic())
        time.sleep(0.001)
        picked(endpoints)
        assert len(opened) == n_opened
    assert [fake.closed for fake in opened] == [True, False]


def test_an_endpoint_that_never_spoke_is_named_all_the_same() -> None:
    """The error after patience must mention every endpoint."""
    endpoints = endpoints_of(FakeTransport("a:1"), FakeTransport("b:1"))
    assert "a:1" in endpoints.last_errors()
    assert "b:1" in endpoints.last_errors()


def test_closing_closes_what_was_opened_and_asks_for_a_new_check() -> None:
    """After closing, the next use must open and check again."""
    fake = FakeTransport()
    endpoints = endpoints_of(fake)
    picked(endpoints)
    endpoints.close()
    assert fake.closed
    picked(endpoints)
    assert fake.n_checks == 2


def test_a_full_queue_is_waited_for_as_long_as_answers_take() -> None:
    """The endpoint is well: it must owe no check, and be asked again when its queue has moved, later if it has not."""
    fake = FakeTransport()
    endpoints = endpoints_of(fake)
    endpoint = picked(endpoints)
    for ceiling_s in (2.0, 4.0, 8.0):
        endpoints.overloaded(endpoint, EndpointOverloaded("full"), sent_at=time.monotonic(), answer_s=2.0)
        assert ceiling_s / 2 <= endpoint.alone_until - endpoint.failed_at <= ceiling_s
    assert endpoints.pick() is None
    endpoint.alone_until = 0.0
    assert picked(endpoints) is endpoint
    assert fake.n_checks == 1


def test_requests_that_meet_one_full_queue_together_are_one_refusal() -> None:
    """A window of requests refused at once must not double the wait again and again."""
    endpoints = endpoints_of(FakeTransport())
    endpoint = picked(endpoints)
    sent_at = time.monotonic()
    for _ in range(4):
        endpoints.overloaded(endpoint, EndpointOverloaded("full"), sent_at=sent_at, answer_s=1.0)
    assert endpoint.failures == 1
