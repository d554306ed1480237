"""The gpu flavour: asks a pool of endpoints for scores, several requests at a time, and survives what fails.

One loop in the caller's thread sends, waits and collects; gRPC's threads only put replies into a queue. So a signal
handler that raises ends a wait at once, and nothing here needs a lock. A pacer delays requests only: while one is held,
the loop takes replies in.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sonic.answers import ScoreSheet
from sonic.credentials import Credentials
from sonic.endpoints import Endpoints
from sonic.errors import (
    BadAnswer,
    EndpointAway,
    EndpointOverloaded,
    RequestRefused,
    RequestTooLarge,
    SonicError,
    TokenRefused,
)
from sonic.exchange import Exchange, InFlight
from sonic.formats import format_named
from sonic.hit_pixels import HitPixels
from sonic.limits import Limits
from sonic.network import MODEL_NAME, MODEL_VERSION
from sonic.pace import Pacer
from sonic.request_size import ENVELOPE_BYTES, largest_request
from sonic.scores import Traffic
from sonic.transport import Model, TritonTransport
from sonic.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from sonic.endpoints import Endpoint
    from sonic.message import Message
    from sonic.scores import Scores
    from sonic.transport import Reply, Transport
    from sonic.view import View
    from sonic.wire_format import WireFormat

__all__ = ["Client"]


class _Step(NamedTuple):
    """What became of the next request."""

    sent: bool = False
    paced: bool = False
    """Whether the pacer holds it."""
    until: float = math.inf
    """When to look again, by `time.monotonic`, if no reply comes before."""


class Client:
    """Asks a pool for scores; satisfies `sonic.scores.Scorer`. For one thread; make it after any fork.

    Args:
        endpoints: host:port of the gRPC endpoints, in order of preference: the first is used while it answers.
        network: Name of the network; the model of the wire format has its name from it.
        version: Version of the model.
        wire_format: How hits travel.
        credentials: Certificates and token; none by default.
        limits: Sizes, time-outs and patience.
        pacer: Says when the next request may go; None to send as fast as the window allows.
        open_transport: How to reach an endpoint; `TritonTransport` unless a test says otherwise.

    Raises:
        RequestRefused: no endpoint is given.
        CredentialsUnusable: a certificate, key or token cannot be used.

    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        network: str = MODEL_NAME,
        version: str = MODEL_VERSION,
        wire_format: WireFormat = "patches",
        credentials: Credentials | None = None,
        limits: Limits | None = None,
        pacer: Pacer | None = None,
        open_transport: Callable[[str], Transport] | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._pacer = pacer or Pacer(None)
        self._format = format_named(wire_format)
        self._window = Window(self._limits.window_requests, self._limits.queue_target_s)
        if open_transport is None:
            credentials = credentials or Credentials()
            for endpoint in endpoints:
                credentials.check(endpoint)
            model = Model(self._format, network, version)
            open_transport = partial(TritonTransport, model=model, credentials=credentials)
        self._endpoints = Endpoints(endpoints, self._limits, open_transport)
        self._traffic = Traffic()
        self._answered_last = ""
        self._numbers = 0

    @property
    def endpoint(self) -> str:
        """The endpoint that answered last; empty before the first answer."""
        return self._answered_last

    def traffic(self) -> Traffic:
        """Return what was sent and received since the client was made; any thread may ask."""
        return replace(self._traffic, paced_s=self._pacer.blocked_s)

    def reachable(self) -> bool:
        """Tell whether an endpoint can be asked now: each that is not being left alone is checked once.

        Raises:
            CredentialsUnusable: a certificate, key or token can no longer be used.

        """
        try:
            return self._endpoints.pick() is not None
        except RequestRefused:
            return False

    def score(self, views: Sequence[View]) -> list[Scores]:
        """Return the scores of every view, in the views' order, whatever the order of the answers.

        Raises:
            EndpointAway: not one usable answer for `patience_s`, in which waiting for the pacer does not count.
            RequestRefused: an endpoint refused a request, or all of them our network.
            BadAnswer: a request was answered with something unusable, again and again.
            CredentialsUnusable: a certificate, key or token can no longer be used.

        """
        pixels = HitPixels(views)
        sheet = ScoreSheet(pixels.n_patches)
        exchange = Exchange(pixels.n_patches, self._format.cutter(pixels))
        patience_ends = time.monotonic() + self._limits.patience_s
        while exchange.unfinished:
            asked_at = time.monotonic()
            step = self._send_next(exchange)
            if step.sent:
                continue
            held_alone = step.paced and not exchange.in_flight
            reply = exchange.wait(step.until if held_alone else min(step.until, patience_ends))
            if held_alone:
                patience_ends += time.monotonic() - asked_at
            elif reply is not None and self._take(exchange, reply, sheet):
                patience_ends = time.monotonic() + self._limits.patience_s
            elif time.monotonic() >= patience_ends:
                raise self._out_of_patience()
        return sheet.scores_of_hits(pixels)

    def _send_next(self, exchange: Exchange) -> _Step:
        """Send the next request if window, endpoints and pacer let it; else say until when to wait for replies."""
        if not exchange.waits or len(exchange.in_flight) >= self._window.requests(self._most_requests()):
            return _Step()
        picked = self._endpoints.pick()
        if picked is None:
            return _Step(until=self._endpoints.next_try_at())
        endpoint, transport = picked
        message = exchange.next_message(largest_request(self._format, self._limits, self._pacer, endpoint))
        if exchange.in_flight and exchange.bytes_in_flight + message.payload_bytes > self._limits.window_bytes:
            return _Step()
        size = message.payload_bytes + ENVELOPE_BYTES
        hold_s = self._pacer.wait_s(size)
        if hold_s > 0:
            return _Step(paced=True, until=time.monotonic() + hold_s)
        self._pacer.sent(size)
        self._send(exchange, message, endpoint, transport)
        return _Step(sent=True)

    def _most_requests(self) -> int:
        """Return how many requests may be in flight at best."""
        limits = self._limits
        return limits.window_requests if self._pacer.rate_mbps is None else limits.paced_window_requests

    def _send(self, exchange: Exchange, message: Message, endpoint: Endpoint, transport: Transport) -> None:
        request = exchange.take(message)
        self._numbers += 1
        number = self._numbers
        exchange.in_flight[number] = InFlight(request, endpoint, message.payload_bytes, time.monotonic())
        sent = transport.send(number, message, self._limits.request_timeout_s, exchange.replies.put)
        self._traffic = replace(
            self._traffic,
            bytes_sent=self._traffic.bytes_sent + sent,
            retries=self._traffic.retries + (request.tries > 0),
        )

    def _take(self, exchange: Exchange, reply: Reply, sheet: ScoreSheet) -> bool:
        """Take one reply in; whether it brought scores."""
        sent, now = exchange.in_flight.pop(reply.number), time.monotonic()
        try:
            if reply.answer is None:
                raise reply.error or BadAnswer(f"{sent.endpoint.url}: an empty reply")
            sheet.fill(sent.request.span, reply.answer, sent.endpoint.url)
        except SonicError as error:
            self._take_failure(exchange, sent, error)
            return False
        self._window.answered(sent.request.span.size, sent.sent_at, now, self._most_requests())
        self._endpoints.answered(sent.endpoint)
        self._answered_last = sent.endpoint.url
        self._traffic = self._traffic.with_answer(now - sent.sent_at, reply.bytes_received)
        return True

    def _take_failure(self, exchange: Exchange, sent: InFlight, error: SonicError) -> None:
        """Put a failed request back in line, unless its error is the last word.

        Raises:
            RequestRefused: the same request would be refused again.
            BadAnswer: it was answered with something unusable too often.

        """
        request, endpoint = replace(sent.request, tries=sent.request.tries + 1), sent.endpoint
        if isinstance(error, RequestTooLarge) and request.span.size > 1:
            endpoint.most_bytes = min(endpoint.most_bytes, sent.payload_bytes // 2)
        elif isinstance(error, BadAnswer) and request.bad_answers < self._limits.bad_answers_allowed:
            request = replace(request, bad_answers=request.bad_answers + 1)
            self._endpoints.failed(endpoint, error, sent_at=sent.sent_at)
        elif isinstance(error, EndpointOverloaded):
            self._window.refused(sent.sent_at, time.monotonic(), self._most_requests())
            answer_s = self._window.answer_s or self._limits.backoff_first_s
            self._endpoints.overloaded(endpoint, error, sent_at=sent.sent_at, answer_s=answer_s)
        elif isinstance(error, EndpointAway | TokenRefused):
            self._endpoints.failed(endpoint, error, sent_at=sent.sent_at)
        else:
            raise error
        exchange.again(request)

    def _out_of_patience(self) -> SonicError:
        """Return the error of the most preferred endpoint's kind, with what every endpoint said."""
        last = self._endpoints.last_error()
        kind = type(last) if isinstance(last, EndpointAway | TokenRefused | BadAnswer) else EndpointAway
        return kind(
            f"no inference endpoint gave a usable answer for {self._limits.patience_s:g} s; "
            f"last heard: {self._endpoints.last_errors()}"
        )

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        self._endpoints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
