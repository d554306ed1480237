"""The client's window: fewer requests in flight while answers wait in the servers' queues, more again when not.

Nothing here takes time: a clock stands still but for the waits of the client, in which the server does its next piece
of work.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

from sonic.errors import EndpointOverloaded
from sonic.fake import FakeTransport
from tests.builders.client import FORMATS, a_client, a_view, assert_right, quick

if TYPE_CHECKING:
    from collections.abc import Callable

    from sonic.limits import Limits
    from sonic.message import Message
    from sonic.transport import Reply
    from sonic.wire_format import WireFormat

MOST = 8
TARGET_S = 1.0


class SlowServer(FakeTransport):
    """Works on one request at a time, whoever else may be asking; it has no place in its queue for more than it says.

    Attributes:
        now: its clock, which is the client's too.
        service_s: what one request takes.
        room: requests that it holds.
        in_flight: requests that it held after each that came.

    """

    def __init__(self, service_s: float, room: int = 1000) -> None:
        super().__init__()
        self.now = 1000.0
        self.service_s = service_s
        self.room = room
        self.in_flight: list[int] = []
        self._work: deque[tuple[Reply, Callable[[Reply], None]]] = deque()

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Take a request, or refuse it if there is no room."""
        full = len(self._work) >= self.room
        self._script = deque([EndpointOverloaded("queue full")] if full else [])
        return super().send(number, message, timeout_s, done)

    def _later(self, delay_s: float, reply: Reply, done: Callable[[Reply], None]) -> None:
        if reply.error is not None:
            done(reply)
            return
        self._work.append((reply, done))
        self.in_flight.append(len(self._work))

    def monotonic(self) -> float:
        """Return the time, for the client itself."""
        return self.now


class _WaitOnServer:
    """The time for whoever waits for replies: while he does, the server answers its oldest request."""

    def __init__(self, server: SlowServer) -> None:
        self._server = server

    def monotonic(self) -> float:
        """Let the server work, or time pass, and return the time."""
        if self._server._work:
            reply, done = self._server._work.popleft()
            self._server.now += self._server.service_s
            done(reply)
        else:
            self._server.now += self._server.service_s
        return self._server.now


@pytest.fixture
def slow_server(monkeypatch: pytest.MonkeyPatch) -> SlowServer:
    """A server that takes a thousandth of the target for a request, by the clock of all of the client."""
    server = SlowServer(TARGET_S / 1000)
    monkeypatch.setattr("sonic.client.time", server)
    monkeypatch.setattr("sonic.endpoints.time", server)
    monkeypatch.setattr("sonic.exchange.time", _WaitOnServer(server))
    return server


def the_limits() -> Limits:
    """Return limits with room for eight requests of one patch each."""
    return quick(
        batch_patches=1,
        message_patches=1,
        window_requests=MOST,
        queue_target_s=TARGET_S,
        patience_s=1000.0,
        backoff_first_s=1e-9,
    )


@pytest.mark.parametrize("wire_format", FORMATS)
def test_the_window_follows_the_servers_queue(slow_server: SlowServer, wire_format: WireFormat) -> None:
    """A pool that becomes slow gets fewer requests at once, down to what does not wait; a quick one all of them again.

    With one second's target and half a second for each request, the third in the queue is the last that may wait.
    """
    with a_client(slow_server, limits=the_limits(), wire_format=wire_format) as client:
        views = [a_view(100)]
        assert_right(views, client.score(views))
        assert max(slow_server.in_flight[-50:]) == MOST

        slow_server.service_s = TARGET_S / 2
        assert_right(views, client.score(views))
        assert 2 <= max(slow_server.in_flight[-50:]) <= 4

        slow_server.service_s = TARGET_S / 1000
        more = [a_view(300)]
        assert_right(more, client.score(more))
        assert max(slow_server.in_flight[-50:]) == MOST


def test_a_pool_slower_than_the_target_is_asked_one_request_at_a_time(slow_server: SlowServer) -> None:
    """However slow a pool becomes, one request must always be allowed."""
    with a_client(slow_server, limits=the_limits()) as client:
        client.score([a_view(20)])
        slow_server.service_s = 3 * TARGET_S
        client.score([a_view(60)])
    assert set(slow_server.in_flight[-30:]) == {1}


def test_a_full_queue_halves_the_window(slow_server: SlowServer) -> None:
    """A server that refuses for want of room must soon get no more than it has room for, most of the time."""
    with a_client(slow_server, limits=the_limits()) as client:
        client.score([a_view(50)])
        slow_server.room = 3
        sent = len(slow_server.batches)
        views = [a_view(200)]
        assert_right(views, client.score(views))
        refused = client.traffic().retries
    assert max(slow_server.in_flight[sent:]) <= 3
    assert 0 < refused < 100
