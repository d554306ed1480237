"""What is known of a set of servers between commands: one JSON file in its folder, never half-written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydantic

from sonic.errors import SetupFailed
from sonic.server.triton import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["STATE_FILE", "ServerState", "ServersState", "read_state", "write_state"]

STATE_FILE = "servers.json"


class ServerState(pydantic.BaseModel):
    """One Triton server.

    Attributes:
        role: its name within the set, also of its log: FOLDER/logs/ROLE.log.
        pid: of the leader of its process group.
        started: when that process started, in seconds since the epoch; with `pid` it names one process for good.
        grpc_port, http_port, metrics_port: on 127.0.0.1.

    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    role: str
    pid: int
    started: float
    grpc_port: int
    http_port: int
    metrics_port: int


class ServersState(pydantic.BaseModel):
    """A set of servers behind one Envoy.

    Attributes:
        fingerprint: of the model repository that they were started with.
        envoy_pid, envoy_started: as for a server.
        port: where clients go.
        address: IPv4 address that clients go to; all else listens on 127.0.0.1 only.
        admin_port: Envoy's statistics, on 127.0.0.1.
        servers: in the order of their roles.
        cores_per_server: for the network; 0 if it was not written down.

    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    envoy_pid: int
    envoy_started: float
    port: int
    address: str = LOOPBACK
    admin_port: int
    servers: tuple[ServerState, ...]
    cores_per_server: int = 0

    @property
    def endpoint(self) -> str:
        """The address for clients, HOST:PORT."""
        return f"{self.address}:{self.port}"

    @property
    def ports(self) -> set[int]:
        """All ports of the set."""
        ports = {port for s in self.servers for port in (s.grpc_port, s.http_port, s.metrics_port)}
        return ports | {self.port, self.admin_port}

    @property
    def metrics_endpoints(self) -> tuple[str, ...]:
        """HOST:PORT of every server's Prometheus page, /metrics."""
        return tuple(f"{LOOPBACK}:{server.metrics_port}" for server in self.servers)


def read_state(folder: Path) -> ServersState | None:
    """Return the state of the set in a folder, or None where there never was one.

    Raises:
        SetupFailed: the file is not one of ours.

    """
    file = folder / STATE_FILE
    try:
        return ServersState.model_validate_json(file.read_text())
    except FileNotFoundError:
        return None
    except (pydantic.ValidationError, UnicodeDecodeError) as exc:
        raise SetupFailed(f"{file} is not a state of servers; remove it and start the servers again") from exc


def write_state(folder: Path, state: ServersState) -> None:
    """Write the state of the set in a folder."""
    partial = folder / f"{STATE_FILE}.partial"
    partial.write_text(state.model_dump_json(indent=2))
    partial.replace(folder / STATE_FILE)
