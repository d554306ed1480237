"""Start what is missing of a set of servers, and undo it if it cannot be finished."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from sonic.errors import SetupFailed
from sonic.server import envoy, process, triton
from sonic.server.access import OPEN, Access
from sonic.server.drain import drain
from sonic.server.ports import PortPicker, is_free
from sonic.server.state import ServersState, ServerState
from sonic.server.triton import LOOPBACK, TritonPorts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psutil

    from sonic.server.programs import Programs

__all__ = ["Starter"]

PORT_ATTEMPTS = 3
"""Another program may take a port between our look and the server's start."""

POLL_S = 0.05

LISTING = "endpoints.json"
"""The file that lists the servers to Envoy."""


class Starter:
    """One call of `start_servers`, which undoes what it started if it cannot finish."""

    def __init__(
        self,
        folder: Path,
        programs: Programs,
        gpu: bool,
        report: Callable[[str], None],
        timeout_s: float,
        address: str = LOOPBACK,
        access: Access = OPEN,
    ) -> None:
        self._folder = folder
        self._programs = programs
        self._gpu = gpu
        self._report = report
        self._timeout_s = timeout_s
        self._address = address
        self._access = access
        self._ports = PortPicker()
        self._started: list[str] = []

    def start(self, roles: list[str], before: ServersState | None, mark: str) -> ServersState:
        """Start what is missing, stop what is too many once it has answered what it had, and return the new state."""
        known = {server.role: server for server in before.servers} if before else {}
        self._ports.reserved = before.ports if before else set()
        try:
            servers = self._start_tritons(roles, known)
            leaving = [server.grpc_port for role, server in known.items() if role not in roles and self._runs(role)]
            balancer, leader = self._start_envoy(before, [server.grpc_port for server in servers], leaving)
            if leaving:
                self._drain(balancer, servers, leaving)
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
            address=balancer.address,
            admin_port=balancer.admin_port,
            servers=tuple(servers),
        )

    def _start_tritons(self, roles: list[str], known: dict[str, ServerState]) -> list[ServerState]:
        running: dict[str, ServerState] = {}
        for role in roles:
            server = known.get(role)
            if server and self._runs(role) and triton.is_ready(server.http_port):
                running[role] = server
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

    def _start_envoy(
        self, before: ServersState | None, grpc_ports: list[int], leaving: list[int]
    ) -> tuple[envoy.Balancer, psutil.Process]:
        config, listing = self._folder / "envoy.json", self._folder / LISTING
        envoy.write_secrets(self._folder, self._access)
        envoy.write_endpoints(listing, grpc_ports, leaving)
        leader, balancer = self._running_envoy(before, config, listing)
        if leader is None or balancer is None:
            process.stop_processes(self._folder, lambda name: name == envoy.ROLE)
            port = self._ports.pick(before.port if before else None, self._address)
            admin_port = self._ports.pick(before.admin_port if before else None)
            balancer = envoy.Balancer(port, admin_port, self._address, self._access)
            config.write_text(envoy.bootstrap(balancer, listing))
            self._report(f"Envoy: starting on port {balancer.port}")
            self._started.append(envoy.ROLE)
            leader = envoy.start_envoy(self._programs, config, folder=self._folder)
        if not self._wait(envoy.ROLE, leader, lambda: envoy.healthy_servers(balancer.admin_port) == set(grpc_ports)):
            raise SetupFailed(f"Envoy ended while starting; {self._log_tail(envoy.ROLE)}")
        return balancer, leader

    def _drain(self, balancer: envoy.Balancer, staying: list[ServerState], leaving: list[int]) -> None:
        """Wait until leaving servers have answered what they had, and take them off Envoy's list."""
        self._report(f"{len(leaving)} Triton servers leave: waiting for what they have in flight")
        if left := drain(balancer.admin_port, leaving):
            self._report(f"warning: {left} requests were not answered in time and go to another server")
        envoy.write_endpoints(self._folder / LISTING, [server.grpc_port for server in staying])

    def _runs(self, role: str) -> bool:
        return process.find_leader(self._folder, role) is not None

    def _running_envoy(
        self, before: ServersState | None, config: Path, listing: Path
    ) -> tuple[psutil.Process, envoy.Balancer] | tuple[None, None]:
        """Return the Envoy of the former start if it answers and has the configuration that it should have."""
        leader = process.find_leader(self._folder, envoy.ROLE)
        if before is None or leader is None or not config.is_file():
            return None, None
        balancer = envoy.Balancer(before.port, before.admin_port, self._address, self._access)
        if config.read_text() != envoy.bootstrap(balancer, listing) or envoy.healthy_servers(before.admin_port) is None:
            return None, None
        return leader, balancer

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
