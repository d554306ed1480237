"""Reads the kernel's counters of every link while something happens: bytes every 100 ms, drops once a second.

Bytes are counted where they come out of the link's token bucket, so they are what the link carried. What a sender says
it sent would be far off: data waits in its socket buffers.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from measure.box.commands import in_namespace, tc
from measure.errors import BenchmarkFailed
from measure.traffic import Counter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType
    from typing import Self

    from measure.box.network import Meter

__all__ = ["Bucket", "LinkSampler", "parse_received"]

SAMPLE_S = 0.1
BUCKET_S = 1.0
"""`tc` is a program that has to be started; its counters add up, so nothing is lost between two looks."""


@dataclass(frozen=True)
class Bucket:
    """What a token bucket has done since it was made: packets dropped, and the largest queue seen, bytes."""

    dropped: int = 0
    backlog_bytes: int = 0


def parse_received(table: str) -> dict[str, int]:
    """Return the bytes that each interface has received, from the text of /proc/net/dev."""
    rows = (line.partition(":") for line in table.splitlines() if ":" in line)
    return {name.strip(): int(numbers.split()[0]) for name, _, numbers in rows}


class LinkSampler:
    """Samples from `__enter__` to `__exit__`, in threads of its own.

    Args:
        meters: where each link is counted.

    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = meters
        self._tables: dict[str, int] = {}
        self._times: list[float] = []
        self._bytes: dict[str, list[int]] = {meter.link.name: [] for meter in meters}
        self._buckets = {meter.link.name: Bucket() for meter in meters}
        self._first_drops: dict[str, int] = {}
        self._cpu: list[tuple[float, float]] = []
        self._errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(look, period), daemon=True, name=look.__name__)
            for look, period in ((self._look_at_bytes, SAMPLE_S), (self._look_at_buckets, BUCKET_S))
        ]

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._tables = _open_tables({meter.namespace for meter in self._meters})
        psutil.cpu_percent()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sampling.

        Raises:
            BenchmarkFailed: a counter could not be read; not if something else went wrong already.

        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for table in self._tables.values():
            os.close(table)
        if self._errors and error is None:
            raise BenchmarkFailed(f"a link's counters could not be read: {self._errors[0]}") from self._errors[0]

    def counters(self) -> dict[str, Counter]:
        """Return what was sampled of each link, after the end.

        Raises:
            BenchmarkFailed: there are too few samples.

        """
        times = np.array(self._times)
        return {name: Counter(times, np.array(values, np.int64)) for name, values in self._bytes.items()}

    def buckets(self) -> dict[str, Bucket]:
        """Return what each link's token bucket did from the first look to the last."""
        return dict(self._buckets)

    def cpu_share(self, begin_s: float, end_s: float) -> float:
        """Return the part of the machine's CPU time that was used in a span, everybody's use counted."""
        shares = [share for at_s, share in self._cpu if begin_s < at_s <= end_s]
        return sum(shares) / len(shares) if shares else 0.0

    def largest_gap_s(self) -> float:
        """Return the longest time between two samples of bytes."""
        return float(np.diff(self._times).max())

    def _guard(self, look: _Look, period_s: float) -> None:
        due = time.monotonic()
        try:
            while not self._stop.is_set():
                look()
                due = max(due + period_s, time.monotonic())
                self._stop.wait(due - time.monotonic())
            look()
        except BaseException as error:  # noqa: BLE001  # told by the thread that asks for the numbers
            self._errors.append(error)

    def _look_at_bytes(self) -> None:
        now = time.monotonic()
        received = {
            namespace: parse_received(os.pread(table, 1 << 16, 0).decode()) for namespace, table in self._tables.items()
        }
        self._times.append(now)
        for meter in self._meters:
            self._bytes[meter.link.name].append(received[meter.namespace][meter.interface])

    def _look_at_buckets(self) -> None:
        self._cpu.append((time.monotonic(), psutil.cpu_percent() / 100))
        for meter in self._meters:
            text = tc(meter.bucket_namespace, "-s", "-j", "qdisc", "show", "dev", meter.bucket_interface)
            (bucket,) = (qdisc for qdisc in json.loads(text) if qdisc["kind"] == "tbf")
            name = meter.link.name
            first = self._first_drops.setdefault(name, bucket["drops"])
            self._buckets[name] = Bucket(
                dropped=bucket["drops"] - first,
                backlog_bytes=max(self._buckets[name].backlog_bytes, bucket["backlog"]),
            )


if TYPE_CHECKING:
    from typing import Protocol

    class _Look(Protocol):
        __name__: str

        def __call__(self) -> None: ...


def _open_tables(namespaces: Iterable[str]) -> dict[str, int]:
    """Open each namespace's table of interfaces: an open one shows its namespace from anywhere.

    Raises:
        BenchmarkFailed: a namespace does not let us in.

    """
    return {namespace: _open_table(namespace) for namespace in namespaces}


def _open_table(namespace: str) -> int:
    if not namespace:
        return os.open("/proc/net/dev", os.O_RDONLY)
    own = Path("/proc/self/ns/net").readlink()
    guest = subprocess.Popen(in_namespace(namespace, ["sleep", "60"]), stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while Path(f"/proc/{guest.pid}/ns/net").readlink() == own:
            if guest.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkFailed(f"nothing can be started in the namespace {namespace}")
            time.sleep(0.01)
        return os.open(f"/proc/{guest.pid}/net/dev", os.O_RDONLY)
    finally:
        guest.kill()
        guest.wait()
