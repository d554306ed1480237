"""A thread that does something small again and again beside the work, and never harms the work."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

from jobs.payload.say import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["Repeated"]

_JITTER = 0.2
"""Part of the interval by which each turn comes earlier or later: thousands of jobs must not ask in step."""


class Repeated:
    """Does `action` every few seconds from `__enter__` to `__exit__`.

    What it raises is counted, and said once on stderr; the next turn comes all the same. The thread is a daemon, so one
    that hangs does not keep the job.

    Args:
        what: names the thread, and the action in a warning.
        action: what is done.
        first_s: seconds until the first turn.
        every_s: seconds between turns, give or take a fifth.
        at_end: what is done at the end, in the same thread.
        wait_s: most seconds that leaving waits for that.

    """

    def __init__(
        self,
        what: str,
        action: Callable[[], None],
        *,
        first_s: float,
        every_s: float,
        at_end: Callable[[], None] | None = None,
        wait_s: float = 0.0,
    ) -> None:
        self._what = what
        self._action = action
        self._first_s = first_s
        self._every_s = every_s
        self._at_end = at_end
        self._wait_s = wait_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)
        self.failures = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and give what is done at the end a moment."""
        self._ending.set()
        if self._wait_s:
            self._thread.join(self._wait_s)

    def _run(self) -> None:
        wait_s = self._first_s
        while not self._ending.wait(wait_s):
            self._do(self._action)
            wait_s = self._every_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # no secret
        if self._at_end is not None:
            self._do(self._at_end)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not end the thread or reach the work
            self.failures += 1
            if self.failures == 1:
                say(f"warning: {self._what}: {error}; said once, tried on\n")
