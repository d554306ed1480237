"""Inference servers for the time of a benchmark, and what they use: CPU time, and the bytes that reach Envoy."""

from __future__ import annotations

import http.client
import json
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from measure.errors import BenchmarkFailed
from sonic.server import envoy
from sonic.server.pool import start_servers, stop_servers
from sonic.server.process import find_processes
from sonic.server.triton import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from sonic.server.state import ServersState

__all__ = ["Servers", "Used", "own_servers", "received_bytes"]

_RECEIVED = "http.clients.downstream_cx_rx_bytes_total"
_IDLE_CORES, _LOOK_S, _PATIENCE_S = 0.1, 0.1, 120.0


@dataclass(frozen=True)
class Used:
    """CPU seconds."""

    triton_cpu_s: float
    envoy_cpu_s: float

    def since(self, before: Used) -> Used:
        """Return what was used since then."""
        return Used(self.triton_cpu_s - before.triton_cpu_s, self.envoy_cpu_s - before.envoy_cpu_s)


class Servers:
    """A running set of servers.

    Args:
        folder: of the set.
        state: of it.

    """

    def __init__(self, folder: Path, state: ServersState) -> None:
        self._state = state
        self._envoys = find_processes(folder, lambda role: role == envoy.ROLE)
        self._tritons = find_processes(folder, lambda role: role != envoy.ROLE)

    @property
    def balanced(self) -> str:
        """Address of Envoy, for clients."""
        return self._state.endpoint

    @property
    def direct(self) -> tuple[str, ...]:
        """Address of each Triton server."""
        return tuple(f"{LOOPBACK}:{server.grpc_port}" for server in self._state.servers)

    def used(self) -> Used:
        """Return what the servers have used since their start."""
        return Used(_cpu_s(self._tritons), _cpu_s(self._envoys))

    def wait_until_idle(self) -> None:
        """Wait until nothing of what was asked before is left to do: a request whose sender is gone may still run.

        Raises:
            BenchmarkFailed: they do not come to rest.

        """
        patience_ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < patience_ends:
            before = self.used().triton_cpu_s
            time.sleep(_LOOK_S)
            if self.used().triton_cpu_s - before < _IDLE_CORES * _LOOK_S:
                return
        raise BenchmarkFailed(f"the servers do not come to rest within {_PATIENCE_S:.0f} s")

    def envoy_received_bytes(self) -> int:
        """Return the bytes that Envoy has received from clients, by its own count: HTTP/2 included, TCP and IP not.

        Raises:
            BenchmarkFailed: it does not tell.

        """
        connection = http.client.HTTPConnection(LOOPBACK, self._state.admin_port, timeout=5)
        try:
            connection.request("GET", "/stats?format=json")
            return received_bytes(connection.getresponse().read().decode())
        except (OSError, http.client.HTTPException) as error:
            raise BenchmarkFailed(f"Envoy's page of statistics does not answer: {error}") from error
        finally:
            connection.close()


def received_bytes(page: str) -> int:
    """Return what came from clients, from Envoy's page of statistics.

    Raises:
        BenchmarkFailed: the page does not say.

    """
    for stat in json.loads(page)["stats"]:
        if stat.get("name") == _RECEIVED:
            return int(stat["value"])
    raise BenchmarkFailed(f"Envoy's page of statistics has no {_RECEIVED}")


@contextmanager
def own_servers(folder: Path, count: int, runtime: Path, model: Path, say: Callable[[str], None]) -> Iterator[Servers]:
    """Have Triton servers behind Envoy; they are stopped whatever happens.

    Args:
        folder: of the set.
        count: of Triton servers.
        runtime: folder with the programs.
        model: ONNX file.
        say: takes lines of progress.

    Raises:
        SetupFailed: they cannot be started.

    """
    # SIGTERM would end Python without a `finally`, and leave the servers behind.
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield Servers(folder, start_servers(folder, count, runtime=runtime, model=model, report=say))
    finally:
        stop_servers(folder)


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    try:
        times = [process.cpu_times() for process in processes]
    except psutil.Error as error:
        raise BenchmarkFailed(f"a server has ended: {error}") from error
    return float(sum(one.user + one.system for one in times))


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
