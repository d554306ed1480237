"""What one job has got done, moment by moment; also what ends its work when the time is up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AT_S", "CPU_S", "PATCHES", "Meter", "Metered", "TimeUp"]

AT_S, CPU_S, PATCHES = range(3)
"""Columns of `Metered.marks`."""


class TimeUp(Exception):
    """The slice is over."""


@dataclass(frozen=True, eq=False)
class Metered:
    """What one job did in one slice.

    Attributes:
        marks: float64 (n, 3), in the order of time: `time.monotonic`, CPU seconds of the process so far, and the
            patches that were answered for then; a request that is sent is a mark without patches.
        patches_sent: in requests, repeats included.
        bytes_sent: handed to gRPC with them.
        retries: requests among them that were sent again.

    """

    marks: NDArray[np.float64]
    patches_sent: int = 0
    bytes_sent: int = 0
    retries: int = 0


class Meter:
    """Counts for one job in one slice; any thread may tell it.

    Args:
        stop_at: end of the slice, by `time.monotonic`, which all processes of a machine share.

    """

    def __init__(self, stop_at: float) -> None:
        self._stop_at = stop_at
        self._marks: list[tuple[float, float, int]] = []
        self._patches_sent = 0
        self._bytes_sent = 0
        self._lock = threading.Lock()

    def sending(self) -> None:
        """Note that a request is about to be sent.

        Raises:
            TimeUp: it shall not be.

        """
        if time.monotonic() >= self._stop_at:
            raise TimeUp
        self._mark(0)

    def sent(self, n_patches: int, n_bytes: int) -> None:
        """Count a request that was handed to gRPC."""
        self._patches_sent += n_patches
        self._bytes_sent += n_bytes

    def answered(self, n_patches: int) -> None:
        """Count an answer."""
        self._mark(n_patches)

    def metered(self, retries: int = 0) -> Metered:
        """Return all that was counted."""
        with self._lock:
            marks = np.array(self._marks, np.float64).reshape(-1, 3)
        return Metered(marks, self._patches_sent, self._bytes_sent, retries)

    def _mark(self, n_patches: int) -> None:
        # The clocks are read inside, so that marks are in order.
        with self._lock:
            self._marks.append((time.monotonic(), time.process_time(), n_patches))
