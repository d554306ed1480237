"""Envoy: one gRPC address for clients, every request to the server with the fewest in flight.

The servers' addresses are in a file of their own, which Envoy reads again whenever it is replaced, so that a server
comes or goes without a break for the clients of the others. The same holds for certificates.
"""

from __future__ import annotations

import http.client
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sonic.server import balance, guard
from sonic.server.access import OPEN, Access
from sonic.server.balance import CLUSTER, REPLAY_BYTES
from sonic.server.process import start_process
from sonic.server.triton import HEALTH_TIMEOUT_S, LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psutil

    from sonic.server.programs import Programs

__all__ = [
    "ROLE",
    "Balancer",
    "bootstrap",
    "endpoints",
    "healthy_servers",
    "requests_in_flight",
    "start_envoy",
    "write_endpoints",
    "write_secrets",
]

ROLE = "envoy"

ADMIN_PATHS = ("/clusters", "/listeners", "/memory", "/ready", "/server_info", "/stats")
"""What Envoy's own page answers; not what changes or stops it, since every user of the machine can ask."""


@dataclass(frozen=True)
class Balancer:
    """Where Envoy listens, and to whom.

    Attributes:
        port: for clients, gRPC.
        admin_port: Envoy's own page with statistics, Prometheus metrics under /stats/prometheus; on 127.0.0.1.
        address: IPv4 address that clients reach it at.
        access: who may send requests, and how fast.

    """

    port: int
    admin_port: int
    address: str = LOOPBACK
    access: Access = OPEN


def bootstrap(balancer: Balancer, endpoints_file: Path) -> str:
    """Return Envoy's configuration file, as JSON; certificates are named in files beside `endpoints_file`."""
    chain: dict[str, Any] = {
        "filters": [_typed("envoy.filters.network.http_connection_manager", _connections(balancer.access))]
    }
    if balancer.access.tls is not None:
        chain["transport_socket"] = guard.transport_socket(balancer.access.tls, endpoints_file.parent)
    listener = {
        "name": "clients",
        "address": balance.address(balancer.port, balancer.address),
        # Otherwise a second Envoy could listen on the same port, and each would get some of the clients.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": REPLAY_BYTES,
        "filter_chains": [chain],
    }
    admin: dict[str, Any] = {
        "address": balance.address(balancer.admin_port),
        "allow_paths": [{"prefix": path} for path in ADMIN_PATHS],
    }
    resources = {"listeners": [listener], "clusters": [balance.cluster(endpoints_file)]}
    return json.dumps(
        {"node": {"id": ROLE, "cluster": CLUSTER}, "admin": admin, "static_resources": resources}, indent=2
    )


def endpoints(grpc_ports: Sequence[int], leaving: Sequence[int] = ()) -> str:
    """Return the file that lists the servers, as JSON."""
    return json.dumps({"resources": [balance.members(grpc_ports, leaving)]}, indent=2)


def write_endpoints(file: Path, grpc_ports: Sequence[int], leaving: Sequence[int] = ()) -> None:
    """Replace the list of servers; a running Envoy follows, and sends those that are `leaving` nothing new."""
    _replace(file, endpoints(grpc_ports, leaving))


def write_secrets(folder: Path, access: Access) -> None:
    """Write into the folder of `write_endpoints` which files hold the certificates, where there is TLS."""
    for name, text in guard.secrets(access.tls).items() if access.tls is not None else ():
        _replace(folder / name, text)


def start_envoy(programs: Programs, config: Path, *, folder: Path) -> psutil.Process:
    """Start Envoy in a process group of its own, without waiting for it; its log is FOLDER/logs/envoy.log.

    Args:
        programs: where Envoy is.
        config: file with the text of `bootstrap`.
        folder: of the set of servers that it belongs to.

    """
    workers = min(2, len(os.sched_getaffinity(0)))
    command = [str(programs.envoy), "--config-path", str(config), "--concurrency", str(workers), "--log-level", "warn"]
    # Hot restart goes by a number per machine, so that two Envoys of one machine would refuse each other.
    command += ["--disable-hot-restart"]
    return start_process(command, {}, folder=folder, role=ROLE, log=folder / "logs" / f"{ROLE}.log")


def healthy_servers(admin_port: int) -> set[int] | None:
    """Return the gRPC ports of the servers that Envoy would send a request to now; None if Envoy does not answer."""
    hosts = _hosts(admin_port)
    # Every reason to leave a server out is one more entry beside this one, or another value of it.
    usable = {"eds_health_status": "HEALTHY"}
    return None if hosts is None else {_port(host) for host in hosts if host["health_status"] == usable}


def requests_in_flight(admin_port: int) -> dict[int, int] | None:
    """Return how many requests each server has to answer, by its gRPC port; None if Envoy does not answer."""
    hosts = _hosts(admin_port)
    if hosts is None:
        return None
    stats = {_port(host): {stat["name"]: int(stat.get("value", 0)) for stat in host["stats"]} for host in hosts}
    return {port: numbers.get("rq_active", 0) for port, numbers in stats.items()}


def _hosts(admin_port: int) -> list[dict[str, Any]] | None:
    connection = http.client.HTTPConnection(LOOPBACK, admin_port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/clusters?format=json")
        clusters = json.loads(connection.getresponse().read())["cluster_statuses"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()
    return [host for found in clusters for host in found.get("host_statuses", [])]


def _port(host: dict[str, Any]) -> int:
    return int(host["address"]["socket_address"]["port_value"])


def _connections(access: Access) -> dict[str, Any]:
    """Return how Envoy speaks with clients: gRPC, as long as a request takes."""
    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": balance.route()}]}]
    router = _typed("envoy.filters.http.router", {"@type": "envoy.extensions.filters.http.router.v3.Router"})
    return {
        "@type": "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients",
        "codec_type": "HTTP2",
        "stream_idle_timeout": "0s",
        "http2_protocol_options": balance.http2(),
        "route_config": {"name": "all", "virtual_hosts": hosts},
        "http_filters": [*guard.filters(access), router],
    }


def _typed(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a named extension; `config` has its message type as '@type', without the prefix."""
    return {"name": name, "typed_config": {**config, "@type": f"type.googleapis.com/{config['@type']}"}}


def _replace(file: Path, text: str) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(file)
