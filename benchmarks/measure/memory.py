"""How much memory a tree of processes takes while it works, and how much CPU time it has used."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Peak", "TreeMemory", "memory_kind"]

SAMPLE_S = 0.08
"""Time from one sample to the next: somewhat more than ten in a second, the time of the sample itself included."""


@dataclass(frozen=True)
class Peak:
    """The sample in which the tree took most.

    Attributes:
        mb: memory of all its processes together, MB.
        processes: how many they were.
        at_s: when that was, seconds since sampling began.

    """

    mb: float = 0.0
    processes: int = 0
    at_s: float = 0.0


def memory_kind() -> str:
    """Return what is summed here: PSS, which shares out what processes share, or RSS where the kernel has none."""
    return "PSS" if hasattr(psutil.Process().memory_full_info(), "pss") else "RSS"


class TreeMemory:
    """Samples a process and all its descendants in a thread, from `__enter__` to `__exit__`."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._proportional = memory_kind() == "PSS"
        self._cpu_s: dict[tuple[int, float], float] = {}
        self._peak = Peak()
        self._samples = 0
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sampling."""
        self._stop.set()
        self._thread.join()

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all processes seen so far; of one that ended, until its last sample."""
        with self._lock:
            return sum(self._cpu_s.values())

    @property
    def samples_per_s(self) -> float:
        """Rate of the samples so far, 1/s."""
        return self._samples / (time.monotonic() - self._began)

    def take_peak(self) -> Peak:
        """Return the peak since the last call, or since sampling began."""
        with self._lock:
            peak, self._peak = self._peak, Peak()
        return peak

    def _run(self) -> None:
        while not self._stop.is_set():
            due = time.monotonic() + SAMPLE_S
            self._sample()
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _sample(self) -> None:
        total, count = 0, 0
        cpu_s: dict[tuple[int, float], float] = {}
        for process in self._tree():
            try:
                info = process.memory_full_info()
                times = process.cpu_times()
            except psutil.Error:
                continue  # it ended between being listed and being asked
            total += info.pss if self._proportional else info.rss
            count += 1
            cpu_s[process.pid, process.create_time()] = times.user + times.system
        with self._lock:
            self._samples += 1
            self._cpu_s.update(cpu_s)
            if total / 1e6 > self._peak.mb:
                self._peak = Peak(total / 1e6, count, time.monotonic() - self._began)

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
