"""How many requests may be in flight: fewer while they wait in the servers' queues, more again when they do not.

A pool that is asked for more than it can do does not get faster by longer queues; its clients' requests only come to
their deadlines there, and what they sent is lost. So each client watches how much longer its answers take than the
quickest one did for as many patches. What exceeds that is waiting, its own and others'; above a target it sends less at
once, down to one request. A server that says that its queue is full halves it at once. This is additive increase and
multiplicative decrease, as TCP has it, by delay as in TCP Vegas (Brakmo, O'Malley and Peterson, SIGCOMM 1994).
"""

from __future__ import annotations

__all__ = ["Window"]

_SMOOTH = 0.2
_MORE = 0.25
"""Requests that a window's worth of answers adds. TCP adds one; but windows here are so small that every fourth request
would meet a full queue, and what is refused was sent in vain."""

_LESS = 0.7
_HALF = 0.5
_FORGET = 1.001
"""The quickest answer is forgotten by 0.1 % with each one that follows: a server may have become slower for good."""


class Window:
    """The window of one client.

    Attributes:
        answer_s: how long answers took lately, seconds; 0 before the first.

    Args:
        first: requests that may be in flight at the start; each answer adds one, until the first that waited too long.
        target_s: seconds that requests may wait at the servers.

    """

    def __init__(self, first: int, target_s: float) -> None:
        self._target_s = target_s
        self._size = float(first)
        self._never_shrunk = True
        self._quickest_s_per_patch = float("inf")
        self._changed_at = float("-inf")
        self.answer_s = 0.0

    def requests(self, most: int) -> int:
        """Return how many requests may be in flight now: 1 to `most`."""
        return max(1, min(most, int(self._size)))

    def answered(self, n_patches: int, sent_at: float, now: float, most: int) -> None:
        """Learn from an answer.

        Args:
            n_patches: that it is about.
            sent_at: when its request was sent, by `time.monotonic`.
            now: when it came.
            most: requests that may be in flight at best.

        """
        latency_s = now - sent_at
        self.answer_s += (latency_s - self.answer_s) * (_SMOOTH if self.answer_s else 1.0)
        self._quickest_s_per_patch = min(self._quickest_s_per_patch * _FORGET, latency_s / n_patches)
        waited_s = latency_s - self._quickest_s_per_patch * n_patches
        if waited_s > self._target_s:
            self._shrink(_LESS, sent_at, now, most)
        elif self._size < most:
            self._size = min(float(most), self._size + (1.0 if self._never_shrunk else _MORE / self._size))

    def refused(self, sent_at: float, now: float, most: int) -> None:
        """Learn that a server's queue was full."""
        self._shrink(_HALF, sent_at, now, most)

    def _shrink(self, factor: float, sent_at: float, now: float, most: int) -> None:
        """Make it smaller, once for all requests that were sent before the last time: they tell of the same queue."""
        if sent_at >= self._changed_at:
            self._size = max(1.0, min(self._size, most) * factor)
            self._changed_at = now
            self._never_shrunk = False
