"""The keyboard while a picture stands: what is typed must not scribble over it, and `q` ends it."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Keys"]

_STEP_S = 0.25
"""How often it is looked whether the wait is over for another reason, seconds."""


class Keys:
    """Standard input without echo, for as long as this is open; another program's, or none, is left alone."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        """Turn the echo off where a terminal is ours."""
        try:
            fd = sys.stdin.fileno()
            if os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp():
                self._before = termios.tcgetattr(fd)
                self._fd = fd
                self.quiet()
        except (OSError, ValueError, AttributeError, termios.error):
            self._fd = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back as it was."""
        if self._fd is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def quiet(self) -> None:
        """Turn the echo off, once more after a shell has had the terminal meanwhile; Ctrl-C stays what it is."""
        if self._fd is not None:
            mode = termios.tcgetattr(self._fd)
            mode[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)

    def wait(self, longest_s: float, enough: Callable[[], bool]) -> str:
        """Wait for a key, or until there is something to be done.

        Args:
            longest_s: most seconds.
            enough: asked several times a second whether to stop waiting.

        Returns:
            The key; empty if none was pressed.

        """
        until = time.monotonic() + longest_s
        while (left_s := until - time.monotonic()) > 0 and not enough():
            step_s = min(_STEP_S, left_s)
            if self._fd is None:
                time.sleep(step_s)
            elif select.select([self._fd], [], [], step_s)[0]:
                return os.read(self._fd, 64).decode(errors="replace")
        return ""
