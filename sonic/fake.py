"""An endpoint without a network: answers at once from the pixels themselves, or fails as it is told to.

For tests of everything above the wire, of this project and of programs that use `sonic.client`; it never replaces the
real server where that can be started.
"""

from __future__ import annotations

import threading
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from sonic.answers import Answer
from sonic.errors import EndpointAway, SonicError
from sonic.network import PATCH_PIXELS
from sonic.strip_patches import StripPatches
from sonic.transport import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from numpy.typing import NDArray

    from sonic.message import Message

__all__ = ["FakeTransport", "Fault", "pixel_scores"]

_LONGEST_DELAY_S = 0.02


class Fault(Enum):
    """What a fake endpoint does with a request instead of answering it."""

    LATE = "fails when its time is over, as gRPC does it"
    LOST = "never says anything"
    SHORT = "answers for one hit less"
    NAN = "answers with NaN"


def pixel_scores(patches: NDArray[np.float32]) -> Answer:
    """Return scores that depend on every patch's centre and sum, so that mixed-up rows show.

    Args:
        patches: float32 (n, 48, 48, 1).

    """
    half = PATCH_PIXELS // 2
    centre = 1 / (1 + np.exp(-patches[:, half, half, 0].astype(np.float64)))
    total = 1 / (1 + np.exp(-patches.sum(axis=(1, 2, 3), dtype=np.float64) / 100))
    em_trk_none = np.stack([centre * total, centre * (1 - total), 1 - centre], axis=1)
    return Answer(em_trk_none.astype(np.float32), total.astype(np.float32)[:, np.newaxis])


class FakeTransport:
    """One fake endpoint; satisfies `sonic.transport.Transport` and remembers what it was asked.

    Args:
        endpoint: its name.
        max_batch: most patches that it takes in a request.
        script: what happens to the first requests, one after the other; None is an answer, as for all that follow.
        checks: what happens at the first checks; None is a success, as for all that follow.
        order: answers come late and in a random order, drawn from this; at once and in order if None.

    Attributes:
        batches: patches of each request so far.
        most_in_flight: largest number of requests that were unanswered at once.
        most_bytes_in_flight: largest number of bytes of such requests.
        n_checks: how often it was checked.
        closed: whether it was closed.

    """

    def __init__(
        self,
        endpoint: str = "fake:8001",
        *,
        max_batch: int = 65_536,
        script: Iterable[SonicError | Fault | None] = (),
        checks: Iterable[SonicError | None] = (),
        order: Random | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._max_batch = max_batch
        self._script = deque(script)
        self._checks = deque(checks)
        self._order = order
        self._lock = threading.Lock()
        self._unanswered: dict[int, int] = {}
        self.batches: list[int] = []
        self.most_in_flight = 0
        self.most_bytes_in_flight = 0
        self.n_checks = 0
        self.closed = False

    @property
    def endpoint(self) -> str:
        """Its name."""
        return self._endpoint

    def check(self, timeout_s: float) -> int:
        """Return the largest batch, or fail as scripted."""
        del timeout_s
        self.n_checks += 1
        error = self._checks.popleft() if self._checks else None
        if error is not None:
            raise error
        return self._max_batch

    def send(self, number: int, message: Message, timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Answer one request, or do as scripted."""
        self.batches.append(message.span.size)
        with self._lock:
            self._unanswered[number] = message.payload_bytes
            self.most_in_flight = max(self.most_in_flight, len(self._unanswered))
            self.most_bytes_in_flight = max(self.most_bytes_in_flight, sum(self._unanswered.values()))
        step = self._script.popleft() if self._script else None
        delay_s = self._order.uniform(0.0, _LONGEST_DELAY_S) if self._order else 0.0
        if step is Fault.LOST:
            return message.payload_bytes
        if step is Fault.LATE:
            reply, delay_s = Reply(number, error=EndpointAway(f"{self._endpoint}: Deadline Exceeded")), timeout_s
        elif isinstance(step, SonicError):
            reply = Reply(number, error=step)
        else:
            reply = self._answer(number, _patches_of(message), step)
        self._later(delay_s, reply, done)
        return message.payload_bytes

    def _answer(self, number: int, patches: NDArray[np.float32], fault: Fault | None) -> Reply:
        answer = pixel_scores(patches)
        if fault is Fault.SHORT:
            answer = Answer(answer.em_trk_none[1:], answer.michel[1:])
        if fault is Fault.NAN:
            answer.em_trk_none[0, 0] = np.nan
        return Reply(number, answer, bytes_received=int(answer.em_trk_none.nbytes + answer.michel.nbytes))

    def _later(self, delay_s: float, reply: Reply, done: Callable[[Reply], None]) -> None:
        def deliver() -> None:
            with self._lock:
                self._unanswered.pop(reply.number, None)
            done(reply)

        if delay_s:
            timer = threading.Timer(delay_s, deliver)
            timer.daemon = True
            timer.start()
        else:
            deliver()

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def _patches_of(message: Message) -> NDArray[np.float32]:
    """Return the patches that a message is about, of whichever format it is."""
    if message.tensor.dtype == np.uint8:
        strip = StripPatches(message.tensor, most_patches=message.span.size)
        return strip.cut(0, message.span.size)
    patches: NDArray[np.float32] = message.tensor
    return patches
