"""Keeps what one client sends inside its share of a link, over any second and evenly within it.

Own code, because no kept library does it: pyrate-limiter, the best of them, spaces whole-number weights by a bucket
that lets a burst through, and none of them knows a sliding window over bytes, a request larger than the window, or a
rate that changes under a waiting caller.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ASK_AGAIN_S", "CATCH_UP", "WINDOW_S", "WIRE_OVERHEAD", "Pacer", "wire_bytes"]

WIRE_OVERHEAD = 1.05
"""Bytes on the wire for each byte handed to gRPC, as an interface counts them: a frame of 1,514 bytes carries 1,448 of
payload (Ethernet 14, IPv4 20, TCP with timestamps 32), and HTTP/2 takes 9 in 16,384: 1.046, with a margin for repeats
by TCP. What no interface counts (checksum, preamble and gap of each frame) would make it 1.063."""

WINDOW_S = 1.0
"""Length of the window that never holds more than the share."""

CATCH_UP = 1.25
"""After a gap shorter than the window, requests may follow each other at this multiple of the share."""

ASK_AGAIN_S = 0.25
"""Longest wait that a pacer tells: a share that was raised meanwhile is noticed after it."""

_BYTES_PER_S_IN_MBPS = 125_000.0
_LESS_THAN_A_BYTE = 1.0


def wire_bytes(payload_bytes: int) -> int:
    """Return what a request of so many bytes takes on the wire."""
    return math.ceil(payload_bytes * WIRE_OVERHEAD)


class _Sent(NamedTuple):
    at: float
    wire_bytes: int


class Pacer:
    """Says when the next request may go.

    Two rules hold together. (a) The wire bytes handed over within any `WINDOW_S` seconds, half open, never exceed the
    share, which is the rate in force when the last of them was handed over. (b) Requests follow each other at the
    share; one that comes late may be caught up with at `CATCH_UP` times the share, until a whole window was empty.
    Because of (a) such a gap then comes again every second; the share is used all the same.

    A request larger than one window's worth goes alone, when the window is empty: that window holds the request and
    nothing else. The next one waits until the average since then is back at the share. A window can stay unfilled by
    up to one request, unless their size is chosen so that whole ones fill it: `units_in_request`.

    One thread asks and sends; any other may change the rate or read the numbers.

    Args:
        rate_mbps: the share, Mb/s on the wire; None for no pacing, 0 to send nothing until it is raised.
        clock: seconds, never going back.

    Raises:
        ValueError: the rate is negative or not a number.

    """

    def __init__(self, rate_mbps: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate_mbps = _checked(rate_mbps)
        self._window: deque[_Sent] = deque()
        self._window_bytes = 0
        self._last: _Sent | None = None
        # What was sent beyond the share so far, bytes; below zero, what may be caught up with.
        self._ahead_bytes = 0.0
        self._ahead_at = clock()
        self._blocked_s = 0.0
        self._blocked_since: float | None = None

    @property
    def rate_mbps(self) -> float | None:
        """The share, Mb/s on the wire; None for no pacing."""
        return self._rate_mbps

    def set_rate(self, rate_mbps: float | None) -> None:
        """Change the share; both rules hold with the new one from now on.

        Raises:
            ValueError: the rate is negative or not a number.

        """
        rate_mbps = _checked(rate_mbps)
        with self._lock:
            self._settle(self._clock())
            self._rate_mbps = rate_mbps

    def payload_bytes_in(self, seconds: float) -> float:
        """Return how many bytes may be handed to gRPC in so many seconds; infinite without pacing."""
        rate = self._rate_mbps
        return math.inf if rate is None else rate * _BYTES_PER_S_IN_MBPS * seconds / WIRE_OVERHEAD

    def units_in_request(self, unit_bytes: int, extra_bytes: int, most: int) -> int:
        """Return how many units a request should hold for whole requests to fill a window best.

        A window stays unfilled by the part of a request that no longer fits: with requests of a tenth of a second's
        worth that could be a tenth of the share, if their size were left to chance.

        Args:
            unit_bytes: bytes of one unit.
            extra_bytes: bytes of a request beside its units.
            most: units that a request may hold; it will hold at least half of them.

        """
        rate = self._rate_mbps
        if rate is None or most <= 1:
            return max(1, most)
        return _best_units(int(rate * _BYTES_PER_S_IN_MBPS * WINDOW_S), unit_bytes, extra_bytes, most)

    def wait_s(self, payload_bytes: int) -> float:
        """Return 0 if a request of so many bytes may go now; else after how many seconds to ask again."""
        with self._lock:
            now = self._clock()
            wait_s = self._wait_s(wire_bytes(payload_bytes), now)
            if wait_s > 0 and self._blocked_since is None:
                self._blocked_since = now
            elif wait_s <= 0 and self._blocked_since is not None:
                self._blocked_s += now - self._blocked_since
                self._blocked_since = None
            return min(wait_s, ASK_AGAIN_S)

    def sent(self, payload_bytes: int) -> None:
        """Count a request that is being handed over."""
        with self._lock:
            now = self._clock()
            self._settle(now)
            self._last = _Sent(now, wire_bytes(payload_bytes))
            self._window.append(self._last)
            self._window_bytes += self._last.wire_bytes
            self._ahead_bytes += self._last.wire_bytes

    @property
    def blocked_s(self) -> float:
        """Seconds for which a request had to wait so far, from its first refused `wait_s` on."""
        with self._lock:
            since = self._blocked_since
            return self._blocked_s + (0.0 if since is None else self._clock() - since)

    def _wait_s(self, size: int, now: float) -> float:
        if self._rate_mbps is None:
            return 0.0
        if self._rate_mbps == 0:
            return math.inf
        rate = self._rate_mbps * _BYTES_PER_S_IN_MBPS
        self._settle(now)
        ready = self._window_has_room_at(size, rate, now)
        if self._ahead_bytes >= _LESS_THAN_A_BYTE:
            ready = max(ready, now + self._ahead_bytes / rate)
        if self._last is not None:
            ready = max(ready, self._last.at + self._last.wire_bytes / (CATCH_UP * rate))
        return max(0.0, ready - now)

    def _window_has_room_at(self, size: int, rate: float, now: float) -> float:
        left = self._window_bytes
        ready = now
        for sent in self._window:
            if left + size <= rate * WINDOW_S:
                break
            left -= sent.wire_bytes
            ready = sent.at + WINDOW_S
        return ready

    def _settle(self, now: float) -> None:
        """Forget what has left the window, and let the share work off what was sent ahead of it."""
        while self._window and self._window[0].at + WINDOW_S <= now:
            self._window_bytes -= self._window.popleft().wire_bytes
        if self._rate_mbps is None:
            self._ahead_bytes = 0.0
        else:
            self._ahead_bytes -= self._rate_mbps * _BYTES_PER_S_IN_MBPS * (now - self._ahead_at)
        if not self._window:
            self._ahead_bytes = max(self._ahead_bytes, 0.0)
        self._ahead_at = now


@lru_cache(maxsize=64)
def _best_units(window_bytes: int, unit_bytes: int, extra_bytes: int, most: int) -> int:
    """Return the number of units with which whole requests leave least of a window unfilled; the larger if equal."""

    def filled(units: int) -> int:
        return units * (window_bytes // wire_bytes(units * unit_bytes + extra_bytes))

    return max(range((most + 1) // 2, most + 1), key=lambda units: (filled(units), units))


def _checked(rate_mbps: float | None) -> float | None:
    if rate_mbps is not None and not 0 <= rate_mbps < math.inf:
        message = f"a share is a number of Mb/s from 0 on, or None for no pacing; not {rate_mbps}"
        raise ValueError(message)
    return rate_mbps
