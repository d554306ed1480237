"""One event between client and pool: what waits to be sent, what is on its way, what has come back."""

from __future__ import annotations

import queue
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sonic.hit_pixels import Span

if TYPE_CHECKING:
    from sonic.endpoints import Endpoint
    from sonic.message import Cutter, Message, Most
    from sonic.transport import Reply

__all__ = ["Exchange", "InFlight", "Request"]

_LONGEST_WAIT_S = 60.0
"""A wait may be for ever, which no queue takes."""


@dataclass(frozen=True)
class Request:
    """Patches that have no scores yet."""

    span: Span
    tries: int = 0
    bad_answers: int = 0


@dataclass(frozen=True, eq=False)
class InFlight:
    """A request on its way."""

    request: Request
    endpoint: Endpoint
    payload_bytes: int
    sent_at: float


class Exchange:
    """The patches of one event: those that wait, those in flight, and the replies not yet taken in.

    Args:
        n_patches: of the event.
        cutter: makes the messages.

    """

    def __init__(self, n_patches: int, cutter: Cutter) -> None:
        # Cut into messages only as they are sent: how large one may be can change until then.
        self._waiting = deque([Request(Span(0, n_patches))] if n_patches else [])
        self._cutter = cutter
        self._next: tuple[Most, Message] | None = None
        self.in_flight: dict[int, InFlight] = {}
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()

    @property
    def unfinished(self) -> bool:
        """Whether patches have no scores yet."""
        return bool(self._waiting or self.in_flight)

    @property
    def waits(self) -> bool:
        """Whether patches wait to be sent."""
        return bool(self._waiting)

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of tensors that were sent and not yet answered."""
        return sum(sent.payload_bytes for sent in self.in_flight.values())

    def next_message(self, most: Most) -> Message:
        """Return the message that would go next; it is cut once, however often it is asked for."""
        span = self._waiting[0].span
        if self._next is None or self._next[0] != most or self._next[1].span.start != span.start:
            self._next = (most, self._cutter.cut(span, most))
        return self._next[1]

    def take(self, message: Message) -> Request:
        """Take the next message out of what waits; the rest of its request stays."""
        request = self._waiting.popleft()
        self._next = None
        if message.span.stop < request.span.stop:
            self._waiting.appendleft(replace(request, span=Span(message.span.stop, request.span.stop)))
        return replace(request, span=message.span)

    def again(self, request: Request) -> None:
        """Put a failed request first in line."""
        self._waiting.appendleft(request)
        self._next = None

    def wait(self, until: float) -> Reply | None:
        """Return the next reply, or None if none came until then (`time.monotonic`) or for a long while."""
        try:
            return self.replies.get(timeout=min(_LONGEST_WAIT_S, max(0.0, until - time.monotonic())))
        except queue.Empty:
            return None
