"""The gpu flavour: asks a pool of endpoints for scores, several requests at a time, and survives what fails.

One loop in the caller's thread sends, waits and collects; gRPC's threads only put replies into a queue. So a signal
handler that raises ends a wait at once, and nothing here needs a lock. A pacer delays requests only: while one is held,
the loop takes replies in.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sonic.answers import ScoreSheet
from sonic.endpoints import Endpoints
from sonic.errors import BadAnswer, EndpointAway
from sonic.exchange import Exchange, InFlight
from sonic.limits import Limits
from sonic.network import MODEL_NAME, MODEL_VERSION, PATCH_BYTES
from sonic.pace import Pacer
from sonic.patches import PatchCutter
from sonic.scores import Traffic
from sonic.transport import TritonTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from sonic.credentials import Credentials
    from sonic.endpoints import Endpoint
    from sonic.exchange import Request
    from sonic.scores import Scores
    from sonic.transport import Reply, Transport
    from sonic.view import View
    from sonic.wire_format import WireFormat

__all__ = ["Client"]

_ENVELOPE_BYTES = 256
"""Upper bound of a request's bytes beside its patches: names, shape, length prefix; 170 with the usual names."""


class Client:
    """Asks a pool for scores; satisfies `sonic.scores.Scorer`. For one thread; make it after any fork.

    Args:
        endpoints: host:port of the gRPC endpoints, in order of preference: the first is used while it answers.
        model_name: Name of the model in the servers' repositories.
        model_version: Version of the model.
        limits: Sizes, time-outs and patience.
        pacer: Says when the next request may go; None to send as fast as the window allows.
        open_transport: How to reach an endpoint; `TritonTransport` unless a test says otherwise.
        wire_format: How hits travel.
        credentials: Of the client; None for none, and no TLS.

    Raises:
        RequestRefused: no endpoint is given.

    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        model_name: str = MODEL_NAME,
        model_version: str = MODEL_VERSION,
        limits: Limits | None = None,
        pacer: Pacer | None = None,
        open_transport: Callable[[str], Transport] | None = None,
        wire_format: WireFormat = "patches",
        credentials: Credentials | None = None,
    ) -> None:
        del wire_format, credentials
        self._limits = limits or Limits()
        self._pacer = pacer or Pacer(None)
        triton = partial(TritonTransport, model_name=model_name, model_version=model_version)
        self._endpoints = Endpoints(endpoints, self._limits, open_transport or triton)
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
        """Return whether any endpoint that is not being left alone serves our network now; one check of each."""
        return self._endpoints.pick() is not None

    def score(self, views: Sequence[View]) -> list[Scores]:
        """Return the scores of every view, in the views' order, whatever the order of the answers.

        Raises:
            EndpointAway: not one usable answer for `patience_s`, in which waiting for the pacer does not count.
            RequestRefused: an endpoint refused a request, or all of them our network.
            BadAnswer: a request was answered with something unusable, again and again.

        """
        cutter = PatchCutter(views)
        sheet = ScoreSheet(cutter.n_hits)
        exchange = Exchange(cutter.n_hits)
        patience_ends = time.monotonic() + self._limits.patience_s
        while exchange.unfinished:
            wait_until = patience_ends
            asked_at = time.monotonic()
            held_alone = False
            # Once for the whole step: another thread may change the share in the middle of it.
            most_patches = self._most_patches()
            if self._has_room(exchange, most_patches):
                hold_s = self._pacer.wait_s(_bytes_of(exchange.size_of_next(most_patches)))
                if hold_s > 0:
                    wait_until = asked_at + hold_s
                    held_alone = not exchange.in_flight
                elif picked := self._endpoints.pick():
                    endpoint, transport = picked
                    request = exchange.next_request(min(endpoint.max_batch, most_patches))
                    self._send(exchange, request, endpoint, transport, cutter.cut(request.span))
                    continue
                else:
                    wait_until = min(patience_ends, self._endpoints.next_try_at())
            reply = exchange.wait(wait_until)
            if held_alone:
                patience_ends += time.monotonic() - asked_at
            elif reply is not None and self._take(exchange, reply, sheet):
                patience_ends = time.monotonic() + self._limits.patience_s
            elif time.monotonic() >= patience_ends:
                message = (
                    f"no inference endpoint gave a usable answer for {self._limits.patience_s:g} s; "
                    f"last heard: {self._endpoints.last_errors()}"
                )
                raise EndpointAway(message)
        return sheet.split(views)

    def _most_patches(self) -> int:
        """Return how many patches a request may have at the share of this moment."""
        in_part_of_share = self._pacer.payload_bytes_in(self._limits.paced_request_s)
        most_bytes = min(self._limits.largest_request_bytes, in_part_of_share)
        most = max(1, min(self._limits.batch_patches, int(most_bytes // PATCH_BYTES)))
        return self._pacer.units_in_request(PATCH_BYTES, _ENVELOPE_BYTES, most)

    def _has_room(self, exchange: Exchange, most_patches: int) -> bool:
        """Whether a request waits that the window lets out; one may always go."""
        if not exchange.waits:
            return False
        if not exchange.in_flight:
            return True
        limits = self._limits
        requests = limits.window_requests if self._pacer.rate_mbps is None else limits.paced_window_requests
        patches = exchange.patches_in_flight + exchange.size_of_next(most_patches)
        return len(exchange.in_flight) < requests and patches * PATCH_BYTES <= limits.window_bytes

    def _send(
        self,
        exchange: Exchange,
        request: Request,
        endpoint: Endpoint,
        transport: Transport,
        patches: NDArray[np.float32],
    ) -> None:
        self._numbers += 1
        number = self._numbers
        self._pacer.sent(_bytes_of(len(patches)))
        exchange.in_flight[number] = InFlight(request, endpoint, time.monotonic())
        sent = transport.send(number, patches, self._limits.request_timeout_s, exchange.replies.put)
        self._traffic = replace(
            self._traffic,
            bytes_sent=self._traffic.bytes_sent + sent,
            retries=self._traffic.retries + (request.tries > 0),
        )

    def _take(self, exchange: Exchange, reply: Reply, sheet: ScoreSheet) -> bool:
        """Take one reply in; whether it brought scores."""
        sent = exchange.in_flight.pop(reply.number)
        request, endpoint = sent.request, sent.endpoint
        try:
            if reply.answer is None:
                raise reply.error or BadAnswer(f"{endpoint.url}: an empty reply")
            sheet.fill(request.span, reply.answer, endpoint.url)
        except EndpointAway as error:
            self._endpoints.failed(endpoint, error, sent_at=sent.sent_at)
            exchange.again(replace(request, tries=request.tries + 1))
            return False
        except BadAnswer as error:
            if request.bad_answers >= self._limits.bad_answers_allowed:
                raise
            self._endpoints.failed(endpoint, error, sent_at=sent.sent_at)
            exchange.again(replace(request, tries=request.tries + 1, bad_answers=request.bad_answers + 1))
            return False
        self._endpoints.answered(endpoint)
        self._answered_last = endpoint.url
        self._traffic = replace(
            self._traffic,
            requests=self._traffic.requests + 1,
            bytes_received=self._traffic.bytes_received + reply.bytes_received,
            latency_s=self._traffic.latency_s + time.monotonic() - sent.sent_at,
        )
        return True

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        self._endpoints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bytes_of(n_patches: int) -> int:
    return n_patches * PATCH_BYTES + _ENVELOPE_BYTES
