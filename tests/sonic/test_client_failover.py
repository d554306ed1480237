"""The client in a pool that fails: the next endpoint at once, the preferred one again later, and an end to patience."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sonic.client import Client
from sonic.errors import (
    AnswerIncomplete,
    AnswerNotFinite,
    BadAnswer,
    CredentialsUnusable,
    EndpointAway,
    EndpointNotReady,
    EndpointOverloaded,
    EndpointSilent,
    EndpointUntrusted,
    ModelMismatch,
    ModelMissing,
    RequestRefused,
    SonicError,
    TokenRefused,
)
from sonic.fake import FakeTransport, Fault
from tests.builders.client import FORMATS, QUICK, a_client, a_view, assert_right, quick

if TYPE_CHECKING:
    from sonic.wire_format import WireFormat

both_formats = pytest.mark.parametrize("wire_format", FORMATS)
MANY = 10_000


def test_the_first_endpoint_is_preferred() -> None:
    """While the first endpoint answers, the second must not hear of us."""
    first, second = FakeTransport("a:1"), FakeTransport("b:1")
    with a_client(first, second) as client:
        client.score([a_view(50)])
    assert second.n_checks == 0
    assert second.batches == []


@both_formats
def test_a_dead_endpoint_is_left_for_the_next_and_asked_again_later(wire_format: WireFormat) -> None:
    """Failover must be at once, and the preferred endpoint must get its work back when it is there again."""
    first = FakeTransport("a:1", checks=[EndpointAway("down")] * 2)
    second = FakeTransport("b:1")
    with a_client(first, second, wire_format=wire_format) as client:
        for number in range(200):
            views = [a_view(9, number)]
            assert_right(views, client.score(views))
            if first.batches:
                break
        assert client.endpoint == "a:1"
    assert first.n_checks == 3
    assert second.batches


def test_an_endpoint_owes_a_check_after_a_failure() -> None:
    """After a failure the endpoint must prove that it is ready before it gets megabytes."""
    fake = FakeTransport(script=[EndpointAway("crash")], checks=[None, EndpointAway("still loading")])
    with a_client(fake) as client:
        client.score([a_view(8)])
    assert fake.n_checks == 3
    assert len(fake.batches) == 2


def test_a_pool_that_stays_away_is_given_up_after_patience() -> None:
    """The error must come, and name every endpoint with what it said last."""
    pool = [FakeTransport(name, checks=[EndpointAway(f"{name} is down")] * MANY) for name in ("a:1", "b:1")]
    with a_client(*pool, limits=quick(patience_s=0.2)) as client, pytest.raises(EndpointAway) as caught:
        client.score([a_view(8)])
    assert "0.2 s" in str(caught.value)
    assert "a:1 is down" in str(caught.value)
    assert "b:1 is down" in str(caught.value)
    assert client.traffic().requests == 0


@pytest.mark.parametrize(
    ("preferred", "other", "kind"),
    [
        (EndpointSilent("mute"), EndpointAway("down"), EndpointSilent),
        (EndpointAway("down"), EndpointSilent("mute"), EndpointAway),
        (EndpointNotReady("loading"), TokenRefused("expired"), EndpointNotReady),
        (EndpointUntrusted("expired"), EndpointAway("down"), EndpointUntrusted),
        (EndpointOverloaded("full"), EndpointAway("down"), EndpointOverloaded),
        (TokenRefused("no token"), EndpointAway("down"), TokenRefused),
        (ModelMissing("no model"), EndpointSilent("mute"), EndpointSilent),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SonicError) else "",
)
def test_the_error_after_patience_is_of_the_preferred_endpoints_kind(
    preferred: SonicError, other: SonicError, kind: type[SonicError]
) -> None:
    """What holds a pool up must keep its name to the end; one that can only refuse us holds nothing up."""
    pool = [FakeTransport("a:1", checks=[preferred] * MANY), FakeTransport("b:1", checks=[other] * MANY)]
    with a_client(*pool, limits=quick(patience_s=0.1)) as client, pytest.raises(kind) as caught:
        client.score([a_view(8)])
    assert type(caught.value) is kind
    assert str(preferred) in str(caught.value)
    assert str(other) in str(caught.value)


def test_requests_that_are_never_answered_end_with_patience() -> None:
    """Even a wire that swallows requests without a word must not hold the job for ever."""
    fake = FakeTransport(script=[Fault.LOST] * 9)
    with a_client(fake, limits=quick(patience_s=0.2)) as client, pytest.raises(EndpointAway, match="no answer either"):
        client.score([a_view(8)])


@both_formats
def test_patience_counts_from_the_last_answer(wire_format: WireFormat) -> None:
    """A slow pool that keeps answering must not be given up, however long the event takes."""
    script = [EndpointAway("busy"), None] * 12
    limits = quick(window_requests=1, patience_s=0.25, backoff_first_s=0.1, backoff_max_s=0.1)
    with a_client(FakeTransport(script=script), limits=limits, wire_format=wire_format) as client:
        views = [a_view(96)]
        assert_right(views, client.score(views))
    assert client.traffic().retries == 12


def test_infinite_patience_waits_as_long_as_it_takes() -> None:
    """A job that is told to wait for its pool must not give up, and go on when it is back."""
    away: list[SonicError | None] = [EndpointAway("down"), EndpointSilent("mute"), TokenRefused("late token")] * 5
    fake = FakeTransport(checks=away, script=[EndpointOverloaded("full")] * 3)
    limits = quick(patience_s=float("inf"), backoff_max_s=0.01)
    with a_client(fake, limits=limits) as client:
        views = [a_view(20)]
        assert_right(views, client.score(views))
    assert fake.n_checks > 15


@pytest.mark.parametrize("refusal", [ModelMissing("no such model"), ModelMismatch("other tensors")])
def test_a_pool_without_our_network_is_refused_at_once(refusal: RequestRefused) -> None:
    """When every endpoint says no, asking again would be waste."""
    pool = [FakeTransport(name, checks=[refusal] * 9) for name in ("a:1", "b:1")]
    with a_client(*pool) as client, pytest.raises(type(refusal), match=str(refusal)):
        client.score([a_view(8)])
    assert [fake.n_checks for fake in pool] == [1, 1]
    assert [fake.batches for fake in pool] == [[], []]


def test_one_endpoint_without_our_network_is_passed_over() -> None:
    """An endpoint that lacks the model must not end the job while another one has it."""
    first = FakeTransport("a:1", checks=[ModelMissing("no such model")] * 9)
    second = FakeTransport("b:1")
    with a_client(first, second) as client:
        client.score([a_view(8)])
        client.score([a_view(8)])
    assert first.n_checks == 1
    assert second.batches == [8, 8]


@pytest.mark.parametrize(
    "error", [RequestRefused("wrong shape"), ModelMissing("unloaded"), CredentialsUnusable("token file gone")]
)
def test_what_asking_again_does_not_help_is_not_repeated(error: SonicError) -> None:
    """What the server refuses it will refuse again, and a file of ours does not come back by itself."""
    fake = FakeTransport(script=[error])
    with a_client(fake) as client, pytest.raises(type(error), match=str(error)):
        client.score([a_view(8)])
    assert fake.batches == [8]


@both_formats
@pytest.mark.parametrize("in_check", [True, False], ids=["check", "request"])
def test_a_refused_token_is_tried_again_until_it_is_renewed(wire_format: WireFormat, in_check: bool) -> None:
    """Tokens are renewed while jobs run: one that has expired must cost a wait, not the job."""
    refusals = [TokenRefused("expired")] * 3
    fake = FakeTransport(checks=refusals) if in_check else FakeTransport(script=refusals)
    with a_client(fake, wire_format=wire_format) as client:
        views = [a_view(8)]
        assert_right(views, client.score(views))
    assert fake.n_checks == 4


def test_a_token_that_stays_refused_is_what_is_told_in_the_end() -> None:
    """After patience the error must say that it is the token."""
    fake = FakeTransport(script=[TokenRefused("signature wrong")] * MANY)
    with (
        a_client(fake, limits=quick(patience_s=0.2)) as client,
        pytest.raises(TokenRefused, match=r"0\.2 s.*signature wrong"),
    ):
        client.score([a_view(8)])
    assert len(fake.batches) > 1


@both_formats
@pytest.mark.parametrize(("fault", "kind"), [(Fault.SHORT, AnswerIncomplete), (Fault.NAN, AnswerNotFinite)])
def test_nonsense_is_asked_for_again_and_then_reported(
    fault: Fault, kind: type[BadAnswer], wire_format: WireFormat
) -> None:
    """One unusable answer is an accident, three are the result, under the name of what was wrong."""
    views = [a_view(8)]
    with a_client(FakeTransport(script=[fault] * 2), wire_format=wire_format) as client:
        assert_right(views, client.score(views))
    fake = FakeTransport(script=[fault] * 3)
    with a_client(fake, wire_format=wire_format) as client, pytest.raises(kind, match="fake:8001"):
        client.score(views)


def test_an_endpoint_that_is_not_trusted_is_opened_anew() -> None:
    """Certificates are read when a transport is opened, so renewed ones need another transport."""
    opened: list[FakeTransport] = []

    def open_transport(endpoint: str) -> FakeTransport:
        checks = [EndpointUntrusted("certificate has expired")] if len(opened) < 2 else []
        opened.append(FakeTransport(endpoint, checks=checks))
        return opened[-1]

    with Client(["a:1"], limits=QUICK, open_transport=open_transport) as client:
        views = [a_view(20)]
        assert_right(views, client.score(views))
        assert [fake.closed for fake in opened] == [True, True, False]
    assert opened[-1].closed


def test_an_endpoint_that_is_only_away_keeps_its_transport() -> None:
    """A channel connects again by itself."""
    fake = FakeTransport(script=[EndpointAway("down")] * 2)
    with a_client(fake) as client:
        client.score([a_view(8)])
        assert not fake.closed


def test_reachable_checks_each_endpoint_that_is_not_left_alone_once() -> None:
    """Whoever computes by himself meanwhile must learn quickly whether the pool is back, and not disturb it."""
    slow = quick(backoff_first_s=1000.0, backoff_max_s=1000.0)
    away = [FakeTransport(name, checks=[EndpointAway("down")] * MANY) for name in ("a:1", "b:1")]
    with a_client(*away, limits=slow) as client:
        assert not client.reachable()
        assert not client.reachable()
    assert [fake.n_checks for fake in away] == [1, 1]
    back = FakeTransport("b:1")
    with a_client(away[0], back) as client:
        assert client.reachable()
        assert client.reachable()
    assert back.n_checks == 1
    refusing = FakeTransport(checks=[ModelMissing("no such model")])
    with a_client(refusing) as client:
        assert not client.reachable()
