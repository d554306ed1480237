"""One event between client and pool: what waits to be sent, what is on its way, what has come back."""

from __future__ import annotations

import queue
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sonic.patches import Span

if TYPE_CHECKING:
    from sonic.endpoints import Endpoint
    from sonic.transport import Reply

__all__ = ["Exchange", "InFlight", "Request"]


@dataclass(frozen=True)
class Request:
    """A batch that has no answer yet."""

    span: Span
    tries: int = 0
    bad_answers: int = 0


@dataclass(frozen=True, eq=False)
class InFlight:
    """A batch on its way."""

    request: Request
    endpoint: Endpoint
    sent_at: float


class Exchange:
    """The hits of one event: those that wait, those in flight, and the replies not yet taken in."""

    def __init__(self, n_hits: int) -> None:
        # Cut into requests only as they are sent: how large one may be can change until then.
        self._waiting = deque([Request(Span(0, n_hits))] if n_hits else [])
        self.in_flight: dict[int, InFlight] = {}
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()

    @property
    def unfinished(self) -> bool:
        """Whether hits have no answer yet."""
        return bool(self._waiting or self.in_flight)

    @property
    def waits(self) -> bool:
        """Whether hits wait to be sent."""
        return bool(self._waiting)

    @property
    def patches_in_flight(self) -> int:
        """Patches that were sent and not yet answered."""
        return sum(sent.request.span.stop - sent.request.span.start for sent in self.in_flight.values())

    def size_of_next(self, most_patches: int) -> int:
        """Return how many patches the next request will have."""
        start, stop = self._waiting[0].span
        return min(stop - start, most_patches)

    def next_request(self, most_patches: int) -> Request:
        """Take the next request, at most `most_patches` hits of it; the rest stays."""
        request = self._waiting.popleft()
        start, stop = request.span
        if stop - start > most_patches:
            self._waiting.appendleft(replace(request, span=Span(start + most_patches, stop)))
            request = replace(request, span=Span(start, start + most_patches))
        return request

    def again(self, request: Request) -> None:
        """Put a failed request first in line."""
        self._waiting.appendleft(request)

    def wait(self, until: float) -> Reply | None:
        """Return the next reply, or None if none came until then (`time.monotonic`)."""
        try:
            return self.replies.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None
