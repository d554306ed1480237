"""A clock that a test moves, in the place of the module `time`."""

from __future__ import annotations

__all__ = ["Clock"]


class Clock:
    """Stands still between two calls of `pass_s`."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.now

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self.now - 1_799_000_000.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
