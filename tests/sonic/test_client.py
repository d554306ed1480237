"""The client: every hit its own scores, whatever the pool does."""

from __future__ import annotations

import threading
import time
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonic.client import Client
from sonic.errors import (
    BadAnswer,
    EndpointAway,
    EndpointOverloaded,
    ModelMismatch,
    ModelMissing,
    RequestRefused,
    SonicError,
)
from sonic.fake import FakeTransport, Fault, pixel_scores
from sonic.limits import Limits
from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD, Pacer
from sonic.patches import cut_patches
from sonic.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sonic.scores import Scores

QUICK = Limits(
    batch_patches=8,
    window_requests=3,
    check_timeout_s=0.2,
    request_timeout_s=0.2,
    backoff_first_s=0.01,
    backoff_max_s=0.05,
    patience_s=5.0,
)


def a_view(n_hits: int, seed: int = 0) -> View:
    """Return a view of noise."""
    rng = np.random.default_rng(seed)
    return View(
        rng.normal(size=(30, 40)).astype(np.float32),
        rng.integers(0, 30, n_hits, dtype=np.int32),
        rng.integers(0, 40, n_hits, dtype=np.int32),
    )


def a_client(*pool: FakeTransport, limits: Limits = QUICK) -> Client:
    """Return a client of fake endpoints, in this order of preference."""
    by_name = {transport.endpoint: transport for transport in pool}
    return Client([transport.endpoint for transport in pool], limits=limits, open_transport=by_name.__getitem__)


def assert_right(views: Sequence[View], scores: Sequence[Scores]) -> None:
    """Assert that every hit has the scores of its own patch."""
    assert len(views) == len(scores)
    for view, one in zip(views, scores, strict=True):
        expected = pixel_scores(cut_patches(view, 0, view.n_hits))
        assert np.array_equal(one.em_trk_none, expected.em_trk_none)
        assert np.array_equal(one.michel, expected.michel[:, 0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=4), st.integers(0, 1000))
def test_scores_belong_to_their_hits_whatever_the_order_of_the_answers(hits: list[int], seed: int) -> None:
    """Answers that overtake each other must still land on their own hits."""
    views = [a_view(n, number) for number, n in enumerate(hits)]
    with a_client(FakeTransport(order=Random(seed))) as client:  # a test's dice
        assert_right(views, client.score(views))


_FAULTS: list[SonicError | Fault | None] = [
    None,
    EndpointAway("away"),
    EndpointOverloaded("full"),
    Fault.SHORT,
    Fault.NAN,
    Fault.LATE,
]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from(_FAULTS), max_size=6),
    st.lists(st.sampled_from(_FAULTS), max_size=4),
    st.integers(0, 1000),
)
def test_every_hit_gets_its_scores_through_any_short_trouble(
    first: list[SonicError | Fault | None], second: list[SonicError | Fault | None], seed: int
) -> None:
    """Whatever two endpoints do to the first requests, the scores must be complete and right in the end."""
    limits = Limits(**{**vars(QUICK), "bad_answers_allowed": 10, "request_timeout_s": 0.02})
    pool = [
        FakeTransport("a:1", script=first, order=Random(seed)),  # a test's dice
        FakeTransport("b:1", script=second),
    ]
    views = [a_view(30, 1), a_view(13, 2)]
    with a_client(*pool, limits=limits) as client:
        assert_right(views, client.score(views))
        failed = sum(step is not None for step in first[: len(pool[0].batches)])
        failed += sum(step is not None for step in second[: len(pool[1].batches)])
        assert client.traffic().retries == failed
        assert client.traffic().requests == 6


def test_an_event_without_hits_asks_nobody() -> None:
    """No hits must mean no check, no request and no scores."""
    fake = FakeTransport()
    with a_client(fake) as client:
        assert client.score([]) == []
        assert [one.michel.shape for one in client.score([a_view(0)])] == [(0,)]
    assert fake.n_checks == 0
    assert fake.batches == []


def test_the_traffic_is_counted() -> None:
    """Requests, retries and bytes must add up, repeats included."""
    with a_client(FakeTransport(script=[EndpointAway("away")])) as client:
        client.score([a_view(20)])
        traffic = client.traffic()
        assert client.endpoint == "fake:8001"
    assert (traffic.requests, traffic.retries) == (3, 1)
    assert traffic.bytes_sent in (28 * PATCH_BYTES, 24 * PATCH_BYTES)  # the repeated batch had 8 hits or 4
    assert traffic.bytes_received == 20 * 16


def test_batches_obey_client_and_server() -> None:
    """A batch must be no larger than the smaller one of the two limits."""
    large, small = FakeTransport(), FakeTransport(max_batch=5)
    for fake, batches in ((large, [8, 8, 1]), (small, [5, 5, 5, 2])):
        with a_client(fake) as client:
            views = [a_view(17)]
            assert_right(views, client.score(views))
        assert fake.batches == batches


def test_a_server_that_says_nothing_of_batches_gets_single_patches() -> None:
    """max_batch_size 0 means no batching in Triton; one patch at a time is always right."""
    fake = FakeTransport(max_batch=0)
    with a_client(fake) as client:
        client.score([a_view(3)])
    assert fake.batches == [1, 1, 1]


def test_the_window_bounds_requests_and_bytes() -> None:
    """No more may be in flight than either bound says, but several at once where both allow it."""
    by_count = FakeTransport(order=Random(1))  # a test's dice
    with a_client(by_count) as client:
        client.score([a_view(100)])
    assert by_count.most_in_flight == QUICK.window_requests
    by_bytes = FakeTransport(order=Random(1))  # as above
    with a_client(by_bytes, limits=Limits(**{**vars(QUICK), "window_bytes": 17 * PATCH_BYTES})) as client:
        client.score([a_view(100)])
    assert by_bytes.most_in_flight == 2
    assert by_bytes.most_bytes_in_flight <= 17 * PATCH_BYTES
    tiny = FakeTransport()
    with a_client(tiny, limits=Limits(**{**vars(QUICK), "window_bytes": 1})) as client:
        client.score([a_view(20)])
    assert tiny.most_in_flight == 1


def test_the_first_endpoint_is_preferred() -> None:
    """While the first endpoint answers, the second must not hear of us."""
    first, second = FakeTransport("a:1"), FakeTransport("b:1")
    with a_client(first, second) as client:
        client.score([a_view(50)])
    assert second.n_checks == 0
    assert second.batches == []


def test_a_dead_endpoint_is_left_for_the_next_and_asked_again_later() -> None:
    """Failover must be at once, and the preferred endpoint must get its work back when it is there again."""
    first = FakeTransport("a:1", checks=[EndpointAway("down")] * 2)
    second = FakeTransport("b:1")
    with a_client(first, second) as client:
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
    pool = [FakeTransport(name, checks=[EndpointAway(f"{name} is down")] * 10_000) for name in ("a:1", "b:1")]
    limits = Limits(**{**vars(QUICK), "patience_s": 0.2})
    with a_client(*pool, limits=limits) as client, pytest.raises(EndpointAway) as caught:
        client.score([a_view(8)])
    assert "0.2 s" in str(caught.value)
    assert "a:1 is down" in str(caught.value)
    assert "b:1 is down" in str(caught.value)
    assert client.traffic().requests == 0


def test_requests_that_are_never_answered_end_with_patience() -> None:
    """Even a wire that swallows requests without a word must not hold the job for ever."""
    limits = Limits(**{**vars(QUICK), "patience_s": 0.2})
    with a_client(FakeTransport(script=[Fault.LOST] * 9), limits=limits) as client, pytest.raises(EndpointAway):
        client.score([a_view(8)])


def test_patience_counts_from_the_last_answer() -> None:
    """A slow pool that keeps answering must not be given up, however long the event takes."""
    script = [EndpointAway("busy"), None] * 12
    limits = Limits(
        **{**vars(QUICK), "window_requests": 1, "patience_s": 0.25, "backoff_first_s": 0.1, "backoff_max_s": 0.1}
    )
    with a_client(FakeTransport(script=script), limits=limits) as client:
        views = [a_view(96)]
        assert_right(views, client.score(views))
    assert client.traffic().retries == 12


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


def test_a_refused_request_is_not_repeated() -> None:
    """What the server refuses it will refuse again."""
    fake = FakeTransport(script=[RequestRefused("wrong shape")])
    with a_client(fake) as client, pytest.raises(RequestRefused, match="wrong shape"):
        client.score([a_view(8)])
    assert fake.batches == [8]


@pytest.mark.parametrize("fault", [Fault.SHORT, Fault.NAN])
def test_nonsense_is_asked_for_again_and_then_reported(fault: Fault) -> None:
    """One unusable answer is an accident, three are the result."""
    views = [a_view(8)]
    with a_client(FakeTransport(script=[fault] * 2)) as client:
        assert_right(views, client.score(views))
    with a_client(FakeTransport(script=[fault] * 3)) as client, pytest.raises(BadAnswer, match="fake:8001"):
        client.score(views)


def test_leaving_hangs_up_and_coming_back_works() -> None:
    """Closing must close every open transport."""
    fake, unused = FakeTransport("a:1"), FakeTransport("b:1")
    with a_client(fake, unused) as client:
        client.score([a_view(8)])
    assert fake.closed
    assert not unused.closed


def test_a_client_without_endpoints_is_refused() -> None:
    """A site without endpoints must be an error that says where to add one."""
    with pytest.raises(RequestRefused, match="endpoints"):
        Client([])


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


def a_paced_client(fake: FakeTransport, pacer: Pacer, **limits: Any) -> Client:  # noqa: ANN401  # those of Limits
    """Return a client with a share."""
    return Client([fake.endpoint], limits=Limits(**limits), pacer=pacer, open_transport=lambda _: fake)


def test_a_paced_client_stays_within_its_share() -> None:
    """Over any second, repeats included, at most the share; and a request is a small part of a second's worth."""
    fake = FakeTransport(script=[None, EndpointAway("hiccup"), None, EndpointAway("hiccup")])
    pacer = _Noting(30.0)
    with a_paced_client(fake, pacer, backoff_first_s=0.01) as client:
        views = [a_view(700)]
        assert_right(views, client.score(views))
        traffic = client.traffic()
    assert max(fake.batches) * PATCH_BYTES * WIRE_OVERHEAD <= 30 * 125_000 / 8  # an eighth of a second's worth
    assert traffic.retries == 2
    assert len(pacer.noted) == len(fake.batches)
    assert sum(size for _, size in pacer.noted) >= traffic.bytes_sent
    for end, _ in pacer.noted:
        held = sum(size for at, size in pacer.noted if at <= end < at + 1.0)
        assert held * WIRE_OVERHEAD <= 30 * 125_000
    # What the wire needs beyond the first request, the pacer waited for.
    assert traffic.paced_s > 0.5 * (700 * PATCH_BYTES * WIRE_OVERHEAD / (30 * 125_000))


def test_answers_are_taken_while_the_pacer_holds_a_request() -> None:
    """The latency must be that of the endpoint, not of the next request's turn."""
    with a_paced_client(FakeTransport(), Pacer(1.0)) as client:
        client.score([a_view(5)])
        traffic = client.traffic()
    assert traffic.requests == 5
    assert traffic.paced_s > 0.25
    assert traffic.latency_s < 0.5 * traffic.paced_s


def test_waiting_for_the_pacer_does_not_use_up_patience() -> None:
    """A share of zero stops the job for as long as it lasts, and a raised share lets it go on."""
    pacer = Pacer(0.0)
    raise_share = threading.Timer(0.6, lambda: pacer.set_rate(1000.0))
    raise_share.start()
    fake = FakeTransport()
    with a_paced_client(fake, pacer, patience_s=0.1) as client:
        views = [a_view(9)]
        assert_right(views, client.score(views))
    raise_share.join()
    assert client.traffic().paced_s >= 0.5


def test_a_pool_that_is_away_is_given_up_by_a_paced_client_too() -> None:
    """The pacer must not make a dead pool look alive."""
    fake = FakeTransport(script=[EndpointAway("down")] * 10_000)
    with a_paced_client(fake, Pacer(50.0), patience_s=0.3) as client, pytest.raises(EndpointAway, match="down"):
        client.score([a_view(50)])


def test_the_size_of_requests_follows_the_share() -> None:
    """A share that changes within an event must change the next request; one patch is the least."""
    fake = FakeTransport()
    pacer = Pacer(None)
    with a_paced_client(fake, pacer, largest_request_bytes=100 * PATCH_BYTES) as client:
        client.score([a_view(250)])
        pacer.set_rate(10.0)
        client.score([a_view(20)])
        pacer.set_rate(0.2)
        client.score([a_view(2)])
    assert fake.batches == [100, 100, 50, 16, 4, 1, 1]


def test_a_paced_client_has_more_of_its_smaller_requests_in_flight() -> None:
    """A pool that takes long to answer must not keep the share from being used."""
    fake = FakeTransport(order=Random(2))  # a test's dice
    with a_paced_client(fake, Pacer(2000.0), batch_patches=1, window_requests=2, paced_window_requests=9) as client:
        client.score([a_view(200)])
    assert 2 < fake.most_in_flight <= 9
