"""SIGTERM, turned into an exception in the main thread, wherever that thread is waiting.

HTCondor sends SIGTERM when it wants the slot back, and SIGKILL some time later. Standard library only: this is
installed before anything else is imported.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["StopSwitch", "Stopped"]

_REPEAT_S = 0.5
"""The exception is raised again in this step until it has arrived: Python drops one that is raised in a destructor."""


class Stopped(BaseException):
    """The job was asked to stop; a BaseException, so that no library takes it for a failure of its own."""


class StopSwitch:
    """Raises `Stopped` in the main thread on SIGTERM or SIGINT, from `arm` to `acknowledge` and not within `held`."""

    def __init__(self) -> None:
        self._signal = 0
        self._holders = 1
        self._acknowledged = False

    def install(self) -> None:
        """Take over the signals; until `arm` they are only noted."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_alarm)

    def arm(self) -> None:
        """Let signals act from now on, one that came already at once."""
        self._holders -= 1
        self._raise_if_due()

    @property
    def signal_name(self) -> str:
        """Name of the signal that came; empty if none did."""
        return signal.Signals(self._signal).name if self._signal else ""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a stretch finish that must not be cut in two; a signal that came meanwhile counts at its end."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
        self._raise_if_due()

    def acknowledge(self) -> None:
        """Say that the job is ending: no signal interrupts what is left to do."""
        self._acknowledged = True
        signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self._acknowledged:
            self._signal = number
            signal.setitimer(signal.ITIMER_REAL, _REPEAT_S, _REPEAT_S)
        self._raise_if_due()

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._raise_if_due()

    def _raise_if_due(self) -> None:
        if self._signal and not self._holders and not self._acknowledged:
            raise Stopped
