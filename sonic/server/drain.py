"""Take servers out of use without losing what they are working on: they get nothing new, and finish what they have."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sonic.server import envoy

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["DRAIN_LIMIT_S", "drain"]

DRAIN_LIMIT_S = 120.0
"""A request of the largest size takes some 20 s on two cores, and there may be several before it."""

POLL_S = 0.1
QUIET_LOOKS = 3
"""A request for which Envoy chose the server just before the server was taken out shows up a moment later."""


def drain(admin_port: int, leaving: Collection[int], *, limit_s: float = DRAIN_LIMIT_S) -> int:
    """Wait until servers that get no new requests have answered those that they had.

    Args:
        admin_port: of the Envoy before them, which has been told that they are leaving.
        leaving: their gRPC ports.
        limit_s: longest to wait.

    Returns:
        How many requests are still in flight on them: 0, or more when the time was up. Envoy sends those to another
        server when theirs ends.

    """
    deadline = time.monotonic() + limit_s
    quiet = 0
    while True:
        numbers = envoy.requests_in_flight(admin_port)
        # Without an Envoy nobody sends them anything.
        in_flight = sum(numbers.get(port, 0) for port in leaving) if numbers is not None else 0
        quiet = 0 if in_flight else quiet + 1
        if quiet == QUIET_LOOKS or time.monotonic() >= deadline:
            return in_flight
        time.sleep(POLL_S)
