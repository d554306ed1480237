"""Which endpoint to ask next: the first in order of preference that is not being left alone after a failure.

Each endpoint has a circuit breaker: a failure opens it, for a time that grows from one to the next; then one check
tries the endpoint, and only if it succeeds requests go there again.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sonic.errors import EndpointAway, EndpointUntrusted, RequestRefused, TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sonic.errors import SonicError
    from sonic.limits import Limits
    from sonic.transport import Transport

__all__ = ["Endpoint", "Endpoints"]


@dataclass(eq=False)
class Endpoint:
    """What the client knows about one endpoint; times by `time.monotonic`."""

    url: str
    transport: Transport | None = None
    most_patches: int = 0
    """Most patches that it takes in a request; 0 until a check has succeeded since the last failure."""
    most_bytes: float = math.inf
    """Largest request that it, or something on the way, has not called too large."""
    failures: int = 0
    """In a row."""
    failed_at: float = 0.0
    alone_until: float = 0.0
    refusal: RequestRefused | None = None
    """Why it is not asked again at all."""
    last_error: SonicError | None = None


class Endpoints:
    """The endpoints of one client.

    Args:
        urls: host:port, in order of preference.
        limits: Time-outs and back-off.
        open_transport: Makes the transport to a url, at the first use of it.

    """

    def __init__(self, urls: Sequence[str], limits: Limits, open_transport: Callable[[str], Transport]) -> None:
        if not urls:
            message = "no inference endpoint is given; add one to the site's `endpoints`"
            raise RequestRefused(message)
        self._all = [Endpoint(url) for url in urls]
        self._limits = limits
        self._open_transport = open_transport

    def pick(self) -> tuple[Endpoint, Transport] | None:
        """Return the endpoint to ask now, checked and open; None while all of them are left alone.

        Raises:
            RequestRefused: every endpoint refuses to serve our network.

        """
        for endpoint in self._all:
            if endpoint.refusal is None and endpoint.alone_until <= time.monotonic():
                transport = self._checked(endpoint)
                if transport is not None:
                    return endpoint, transport
        refusals = [endpoint.refusal for endpoint in self._all if endpoint.refusal is not None]
        if len(refusals) == len(self._all):
            raise refusals[0]
        return None

    def _checked(self, endpoint: Endpoint) -> Transport | None:
        """Return the transport if it passes its check, which it owes at the first use and after each failure."""
        transport = endpoint.transport = endpoint.transport or self._open_transport(endpoint.url)
        started = time.monotonic()
        try:
            endpoint.most_patches = endpoint.most_patches or transport.check(self._limits.check_timeout_s) or 1
        except (EndpointAway, TokenRefused) as error:
            self.failed(endpoint, error, sent_at=started)
        except RequestRefused as error:
            endpoint.refusal = error
        return transport if endpoint.most_patches else None

    def failed(self, endpoint: Endpoint, error: SonicError, *, sent_at: float) -> None:
        """Leave an endpoint alone for a while: exponential back-off with full jitter.

        A request that was sent before the last such step tells nothing new: a window of requests that fails at once
        is one failure.
        """
        endpoint.last_error = error
        if endpoint.failures and sent_at < endpoint.failed_at:
            return
        endpoint.failures += 1
        endpoint.most_patches = 0
        ceiling = min(self._limits.backoff_max_s, self._limits.backoff_first_s * 2.0 ** (endpoint.failures - 1))
        if isinstance(error, EndpointUntrusted) and endpoint.transport is not None:
            # The next check opens it anew, with the certificates that its files hold then.
            endpoint.transport.close()
            endpoint.transport = None
        endpoint.failed_at = time.monotonic()
        endpoint.alone_until = endpoint.failed_at + random.uniform(0.0, ceiling)  # noqa: S311  # no secret

    def overloaded(self, endpoint: Endpoint, error: SonicError, *, sent_at: float, answer_s: float) -> None:
        """Leave an endpoint alone that answered that its queue is full; it is well, so it owes no check.

        Args:
            endpoint: that answered.
            error: what it said.
            sent_at: when the request was sent, as for `failed`.
            answer_s: how long answers take: by then the queue has room again. Further refusals in a row double it.

        """
        endpoint.last_error = error
        if endpoint.failures and sent_at < endpoint.failed_at:
            return
        ceiling = min(self._limits.backoff_max_s, answer_s * 2.0**endpoint.failures)
        endpoint.failures += 1
        endpoint.failed_at = time.monotonic()
        endpoint.alone_until = endpoint.failed_at + random.uniform(0.5, 1.0) * ceiling  # noqa: S311  # no secret

    def answered(self, endpoint: Endpoint) -> None:
        """Note that an endpoint did what was asked."""
        endpoint.failures = 0

    def next_try_at(self) -> float:
        """Return when the first endpoint may be asked again."""
        return min(endpoint.alone_until for endpoint in self._all if endpoint.refusal is None)

    def last_error(self) -> SonicError | None:
        """Return what the most preferred endpoint that failed said last; None if none did."""
        return next((error for endpoint in self._all if (error := endpoint.last_error) is not None), None)

    def last_errors(self) -> str:
        """Return what each endpoint said last, for an error message."""
        errors = [endpoint.refusal or endpoint.last_error for endpoint in self._all]
        return "; ".join(
            str(error) if error else f"{endpoint.url}: no error, but no answer either"
            for endpoint, error in zip(self._all, errors, strict=True)
        )

    def close(self) -> None:
        """Hang up everywhere."""
        for endpoint in self._all:
            if endpoint.transport is not None:
                endpoint.transport.close()
                endpoint.transport = None
                endpoint.most_patches = 0
