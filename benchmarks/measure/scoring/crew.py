"""Jobs that wait for orders, and slices in which some of them score at once."""

from __future__ import annotations

import multiprocessing
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from measure.errors import BenchmarkFailed
from measure.scoring.job import Failed, Loop, Ready, Slice, Whole, WholeEvents, work
from measure.scoring.meter import Metered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from measure.scoring.cases import Case
    from measure.scoring.servers import Servers, Used
    from sonic.wire_format import WireFormat

__all__ = ["Crew", "Sliced", "Times", "crew_of"]

_Said = TypeVar("_Said")

_RELEASE_S = 0.05
_PATIENCE_S = 300.0
"""For a job to say something."""


@dataclass(frozen=True)
class Times:
    """How long a slice is, s: what is scored in the first part does not count, because queues are still filling."""

    warm_up_s: float
    measured_s: float


@dataclass(frozen=True, eq=False)
class Sliced:
    """What was measured in one slice.

    Attributes:
        case: of what.
        begin_s: of the part that counts, by `time.monotonic`.
        end_s: of it.
        jobs: what each did.
        servers: what the servers used in the part that counts.
        envoy_bytes: that Envoy received from clients in the whole slice.

    """

    case: Case
    begin_s: float
    end_s: float
    jobs: tuple[Metered, ...]
    servers: Used
    envoy_bytes: int


class Crew:
    """The jobs, by their pipes."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def whole_events(self, wire_format: WireFormat, endpoint: str) -> WholeEvents:
        """Have one job score every event once.

        Raises:
            BenchmarkFailed: it cannot.

        """
        self._pipes[0].send(Whole(wire_format, endpoint))
        return _heard(self._pipes[0], WholeEvents)

    def score(self, case: Case, endpoints: Sequence[str], servers: Servers, times: Times) -> Sliced:
        """Have as many jobs as there are endpoints score at once, each at its own, for one slice.

        Raises:
            BenchmarkFailed: one of them cannot.

        """
        pipes = self._pipes[: len(endpoints)]
        received_before = servers.envoy_received_bytes()
        for pipe, endpoint in zip(pipes, endpoints, strict=True):
            pipe.send(Loop(case.way, endpoint))
        for pipe in pipes:
            _heard(pipe, Ready)
        start_at = time.monotonic() + _RELEASE_S
        begin_s = start_at + times.warm_up_s
        end_s = begin_s + times.measured_s
        for pipe in pipes:
            pipe.send(Slice(start_at, end_s))
        time.sleep(max(0.0, begin_s - time.monotonic()))
        used_before = servers.used()
        time.sleep(max(0.0, end_s - time.monotonic()))
        used = servers.used().since(used_before)
        jobs = tuple(_heard(pipe, Metered) for pipe in pipes)
        return Sliced(case, begin_s, end_s, jobs, used, servers.envoy_received_bytes() - received_before)


@contextmanager
def crew_of(jobs: int, folder: Path, events: int, model: Path, threads: int) -> Iterator[Crew]:
    """Have a number of jobs that wait for orders; see `measure.scoring.job.work`."""
    # Not forked: gRPC does not survive that.
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes: list[SpawnProcess] = []
    try:
        with _interrupts_ignored():
            for _ in range(jobs):
                ours, theirs = context.Pipe()
                process = context.Process(target=work, args=(theirs, folder, events, model, threads), daemon=True)
                process.start()
                theirs.close()
                pipes.append(ours)
                processes.append(process)
        yield Crew(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.terminate()
            process.join()


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let what is started meanwhile ignore Ctrl-C, which reaches the whole group: this process ends the others."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _heard(pipe: Connection, kind: type[_Said]) -> _Said:
    try:
        said: Any = pipe.recv() if pipe.poll(_PATIENCE_S) else Failed(f"nothing for {_PATIENCE_S:.0f} s")
    except (EOFError, ConnectionResetError) as error:
        raise BenchmarkFailed("a job has ended by itself") from error
    if isinstance(said, Failed):
        raise BenchmarkFailed(f"a job failed: {said.why}")
    if not isinstance(said, kind):
        raise BenchmarkFailed(f"a job said {said}, not {kind.__name__}")
    return said
