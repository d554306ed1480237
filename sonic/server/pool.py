"""A set of Triton servers behind one Envoy, under one folder: start, stop, status.

    FOLDER/servers.json     what runs where (`sonic.server.state`)
    FOLDER/models/          the model repository
    FOLDER/envoy.json       Envoy's configuration; endpoints.json lists the servers to it
    FOLDER/logs/            one log for each

Starting again repairs: what runs and answers is left alone, what is missing is started, with its former ports if they
are free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from sonic.errors import SetupFailed
from sonic.server import envoy, process, triton
from sonic.server.models import DEMO_MODEL
from sonic.server.ports import PortPicker, is_free
from sonic.server.programs import Programs, find_programs
from sonic.server.repository import Serving, fingerprint, write_repository
from sonic.server.state import ServersState, ServerState, read_state, write_state
from sonic.server.triton import TritonPorts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Condition", "ServerStatus", "ServersStatus", "servers_status", "start_servers", "stop_servers"]

CPU_PATCHES_PER_RUN = 256
GPU_PATCHES_PER_RUN = 4096

PORT_ATTEMPTS = 3
"""Another program may take a port between our look and the server's start."""

POLL_S = 0.05


class Condition(StrEnum):
    """What a server or Envoy does now."""

    READY = "ready"
    NOT_READY = "not ready"
    DEAD = "dead"


@dataclass(frozen=True)
class ServerStatus:
    """One Triton server: its last known process and ports, and what it does now."""

    server: ServerState
    condition: Condition


@dataclass(frozen=True)
class ServersStatus:
    """A set of servers as it is now; `state` is what the last start left."""

    state: ServersState
    envoy: Condition
    servers: tuple[ServerStatus, ...]

    @property
    def ready(self) -> bool:
        """Whether Envoy and every server are ready."""
        return {self.envoy, *(server.condition for server in self.servers)} == {Condition.READY}


def start_servers(
    folder: Path,
    count: int,
    *,
    runtime: Path,
    model: Path = DEMO_MODEL,
    gpu: bool = False,
    report: Callable[[str], None] = lambda _: None,
    timeout_s: float = 120.0,
) -> ServersState:
    """Have `count` Triton servers and Envoy running under a folder, and wait until all are ready.

    Args:
        folder: of the set; sets in different folders do not meet.
        count: number of Triton servers. The machine's cores are shared out among them.
        runtime: folder that `sonic.server.install.install` filled.
        model: ONNX file with the tensors of `sonic.network`.
        gpu: serve from the GPUs; needs onnxruntime-gpu in Triton's environment.
        report: is told each step in a few words.
        timeout_s: for each server to get ready.

    Returns:
        The set; clients go to its `endpoint`.

    Raises:
        SetupFailed: the programs are not installed, or one of them ends or does not get ready. Whatever this call
            started is stopped again.

    """
    if count < 1:
        raise SetupFailed(f"{count} inference servers: at least one is needed")
    if not model.is_file():
        raise SetupFailed(f"{model}: no such model file")
    folder = Path(folder).resolve()
    programs = find_programs(runtime)
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        before = read_state(folder)
        serving = Serving(
            intra_op_threads=max(1, len(os.sched_getaffinity(0)) // count),
            gpu=gpu,
            patches_per_run=GPU_PATCHES_PER_RUN if gpu else CPU_PATCHES_PER_RUN,
        )
        mark = fingerprint(model, serving)
        repository = folder / "models"
        if before is None or before.fingerprint != mark or not repository.is_dir():
            _stop(folder)
            write_repository(repository, model, serving)
        starter = _Starter(folder, programs, gpu, report, timeout_s)
        state = starter.start([f"triton-{number}" for number in range(1, count + 1)], before, mark)
        write_state(folder, state)
        return state


def stop_servers(folder: Path) -> None:
    """End all servers of a folder and their children, whatever the state file says; their ports stay reserved there."""
    folder = Path(folder).resolve()
    if folder.is_dir():
        with _lock(folder):
            _stop(folder)


def servers_status(folder: Path) -> ServersStatus | None:
    """Return what the set in a folder does now, or None where none was ever started.

    Raises:
        SetupFailed: the state file is not one of ours.

    """
    folder = Path(folder).resolve()
    state = read_state(folder)
    if state is None:
        return None
    servers = tuple(
        ServerStatus(server, _condition(folder, server.role, partial(triton.is_ready, server.http_port)))
        for server in state.servers
    )
    balancer = _condition(folder, envoy.ROLE, lambda: envoy.healthy_servers(state.admin_port) > 0)
    return ServersStatus(state, balancer, servers)


def _condition(folder: Path, role: str, is_ready: Callable[[], bool]) -> Condition:
    if process.find_leader(folder, role) is None:
        return Condition.DEAD
    return Condition.READY if is_ready() else Condition.NOT_READY


def _stop(folder: Path) -> None:
    process.stop_processes(folder)
    triton.clean_shared_memory(folder)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one command at a time change the set in a folder."""
    with (folder / "servers.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class _Starter:
    """One call of `start_servers`, which undoes what it started if it cannot finish."""

    def __init__(
        self, folder: Path, programs: Programs, gpu: bool, report: Callable[[str], None], timeout_s: float
    ) -> None:
        self._folder = folder
        self._programs = programs
        self._gpu = gpu
        self._report = report
        self._timeout_s = timeout_s
        self._ports = PortPicker()
        self._started: list[str] = []

    def start(self, roles: list[str], before: ServersState | None, mark: str) -> ServersState:
        """Start what is missing, stop what is too many, and return the new state."""
        known = {server.role: server for server in before.servers} if before else {}
        try:
            servers = self._start_tritons(roles, known)
            balancer, leader = self._start_envoy(before, [server.grpc_port for server in servers])
            # Only now, because Envoy sends them nothing any more.
            process.stop_processes(self._folder, lambda role: role not in {*roles, envoy.ROLE})
        except BaseException:  # also a keyboard interrupt must leave nothing behind
            process.stop_processes(self._folder, lambda role: role in self._started)
            triton.clean_shared_memory(self._folder, self._started)
            raise
        return ServersState(
            fingerprint=mark,
            envoy_pid=leader.pid,
            envoy_started=leader.create_time(),
            port=balancer.port,
            admin_port=balancer.admin_port,
            servers=tuple(servers),
        )

    def _start_tritons(self, roles: list[str], known: dict[str, ServerState]) -> list[ServerState]:
        running: dict[str, ServerState] = {}
        for role in roles:
            server = known.get(role)
            if server and process.find_leader(self._folder, role) and triton.is_ready(server.http_port):
                running[role] = server
                self._ports.taken |= {server.grpc_port, server.http_port, server.metrics_port}
        missing = [role for role in roles if role not in running]
        # All are launched before the first is waited for.
        launched = {role: self._launch_triton(role, known.get(role)) for role in missing}
        for role, (leader, ports) in launched.items():
            running[role] = self._await_triton(role, leader, ports)
        return [running[role] for role in roles]

    def _launch_triton(self, role: str, former: ServerState | None) -> tuple[psutil.Process, TritonPorts]:
        wishes = (former.grpc_port, former.http_port, former.metrics_port) if former else (None, None, None)
        process.stop_processes(self._folder, lambda name: name == role)
        ports = TritonPorts(*(self._ports.pick(wish) for wish in wishes))
        self._report(f"Triton server {role}: starting on port {ports.grpc}")
        self._started.append(role)
        leader = triton.start_triton(
            self._programs, self._folder / "models", ports, folder=self._folder, role=role, gpu=self._gpu
        )
        return leader, ports

    def _await_triton(self, role: str, leader: psutil.Process, ports: TritonPorts) -> ServerState:
        for attempt in range(PORT_ATTEMPTS):
            ready = self._wait(role, leader, partial(triton.is_ready, ports.http))
            if ready:
                break
            if attempt + 1 == PORT_ATTEMPTS or all(is_free(port) for port in (ports.grpc, ports.http, ports.metrics)):
                raise SetupFailed(f"Triton server {role} ended while starting; {self._log_tail(role)}")
            leader, ports = self._launch_triton(role, None)
        return ServerState(
            role=role,
            pid=leader.pid,
            started=leader.create_time(),
            grpc_port=ports.grpc,
            http_port=ports.http,
            metrics_port=ports.metrics,
        )

    def _start_envoy(self, before: ServersState | None, grpc_ports: list[int]) -> tuple[envoy.Balancer, psutil.Process]:
        config, listing = self._folder / "envoy.json", self._folder / "endpoints.json"
        envoy.write_endpoints(listing, grpc_ports)
        leader = process.find_leader(self._folder, envoy.ROLE)
        if before and leader and envoy.healthy_servers(before.admin_port) >= 0:
            balancer = envoy.Balancer(before.port, before.admin_port)
        else:
            process.stop_processes(self._folder, lambda name: name == envoy.ROLE)
            wishes = (before.port, before.admin_port) if before else (None, None)
            balancer = envoy.Balancer(*(self._ports.pick(wish) for wish in wishes))
            config.write_text(envoy.bootstrap(balancer, listing))
            self._report(f"Envoy: starting on port {balancer.port}")
            self._started.append(envoy.ROLE)
            leader = envoy.start_envoy(self._programs, config, folder=self._folder)
        everyone = len(grpc_ports)
        if not self._wait(envoy.ROLE, leader, lambda: envoy.healthy_servers(balancer.admin_port) == everyone):
            raise SetupFailed(f"Envoy ended while starting; {self._log_tail(envoy.ROLE)}")
        return balancer, leader

    def _wait(self, role: str, leader: psutil.Process, is_ready: Callable[[], bool]) -> bool:
        """Wait until a server is ready; False if it ended instead.

        Raises:
            SetupFailed: it lives but does not get ready in time.

        """
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            if not process.is_alive(leader):
                return False
            if is_ready():
                return True
            time.sleep(POLL_S)
        raise SetupFailed(f"{role} was not ready within {self._timeout_s:.0f} s; {self._log_tail(role)}")

    def _log_tail(self, role: str) -> str:
        log = self._folder / "logs" / f"{role}.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        errors = [line for line in lines[-200:] if line.startswith(("E", "error")) or "[critical]" in line]
        return f"see {log}: {' | '.join((errors or lines)[-2:])}"
