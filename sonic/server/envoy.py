"""Envoy's configuration: one gRPC address for clients, every request to the server with the fewest in flight.

The servers' addresses are in a file of their own, which Envoy reads again whenever it is replaced, so that a server
comes or goes without a break for the clients of the others.
"""

from __future__ import annotations

import http.client
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sonic.server.process import start_process
from sonic.server.triton import HEALTH_TIMEOUT_S, LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import psutil

    from sonic.server.programs import Programs

__all__ = ["ROLE", "Balancer", "bootstrap", "endpoints", "healthy_servers", "start_envoy", "write_endpoints"]

ROLE = "envoy"
CLUSTER = "triton"

MIB = 1024 * 1024

REPLAY_BYTES = 64 * MIB
"""A request up to this size can be sent to another server when the first one fails; 64 MiB are 7,000 patches."""

MAX_REQUESTS_IN_FLIGHT = 100_000
"""Envoy's default of 1,024 would refuse the jobs of one large site."""


@dataclass(frozen=True)
class Balancer:
    """Where Envoy listens.

    Attributes:
        port: for clients, gRPC.
        admin_port: Envoy's own page with statistics, Prometheus metrics under /stats/prometheus; on 127.0.0.1.
        address: IPv4 address that clients reach it at.

    """

    port: int
    admin_port: int
    address: str = LOOPBACK


def bootstrap(balancer: Balancer, endpoints_file: Path) -> str:
    """Return Envoy's configuration file, as JSON."""
    listener = {
        "name": "clients",
        "address": _address(balancer.port, balancer.address),
        # Otherwise a second Envoy could listen on the same port, and each would get some of the clients.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": REPLAY_BYTES,
        "filter_chains": [{"filters": [_typed("envoy.filters.network.http_connection_manager", _connections())]}],
    }
    admin: dict[str, Any] = {"address": _address(balancer.admin_port)}
    resources = {"listeners": [listener], "clusters": [_cluster(endpoints_file)]}
    return json.dumps(
        {"node": {"id": ROLE, "cluster": CLUSTER}, "admin": admin, "static_resources": resources}, indent=2
    )


def endpoints(grpc_ports: Sequence[int]) -> str:
    """Return the file that lists the servers, as JSON."""
    hosts = [{"endpoint": {"address": _address(port)}} for port in grpc_ports]
    assignment = {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": CLUSTER,
        "endpoints": [{"lb_endpoints": hosts}],
    }
    return json.dumps({"resources": [assignment]}, indent=2)


def write_endpoints(file: Path, grpc_ports: Sequence[int]) -> None:
    """Replace the list of servers; a running Envoy follows."""
    partial = file.with_suffix(".partial")
    partial.write_text(endpoints(grpc_ports))
    partial.replace(file)


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
    connection = http.client.HTTPConnection(LOOPBACK, admin_port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/clusters?format=json")
        clusters = json.loads(connection.getresponse().read())["cluster_statuses"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()
    return {
        host["address"]["socket_address"]["port_value"]
        for cluster in clusters
        for host in cluster.get("host_statuses", [])
        # Every reason to leave a server out is one more entry beside this one.
        if set(host["health_status"]) == {"eds_health_status"}
    }


def _connections() -> dict[str, Any]:
    """Return how Envoy speaks with clients: gRPC, as long as a request takes."""
    route = {
        "cluster": CLUSTER,
        # The client's own deadline counts; Envoy's default would cut requests off after 15 s.
        "timeout": "0s",
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset,unavailable",
            "num_retries": 2,
            "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": "type.googleapis.com/"
                        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                    },
                }
            ],
            "host_selection_retry_max_attempts": 3,
        },
    }
    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": route}]}]
    return {
        "@type": "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "clients",
        "codec_type": "HTTP2",
        "stream_idle_timeout": "0s",
        "http2_protocol_options": _http2(),
        "route_config": {"name": "all", "virtual_hosts": hosts},
        "http_filters": [
            _typed("envoy.filters.http.router", {"@type": "envoy.extensions.filters.http.router.v3.Router"})
        ],
    }


def _cluster(endpoints_file: Path) -> dict[str, Any]:
    """Return how Envoy chooses among the servers, and when it leaves one out."""
    limits = {
        "max_connections": MAX_REQUESTS_IN_FLIGHT,
        "max_pending_requests": MAX_REQUESTS_IN_FLIGHT,
        "max_requests": MAX_REQUESTS_IN_FLIGHT,
        "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 16},
    }
    protocol = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": _http2()},
    }
    return {
        "name": CLUSTER,
        "type": "EDS",
        "eds_cluster_config": {
            "eds_config": {"resource_api_version": "V3", "path_config_source": {"path": str(endpoints_file)}}
        },
        "connect_timeout": "2s",
        "lb_policy": "LEAST_REQUEST",
        "per_connection_buffer_limit_bytes": REPLAY_BYTES,
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
        "circuit_breakers": {"thresholds": [limits]},
        "health_checks": [
            {
                "timeout": "5s",
                "interval": "1s",
                # By default a server that nobody asked yet is checked once a minute.
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "grpc_health_check": {},
            }
        ],
        # Leaves out servers that cannot be reached, faster than the health check does. A full queue is UNAVAILABLE,
        # too, but leaving that server out would only fill the queues of the others.
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 2,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": "2s",
            "max_ejection_percent": 100,
        },
    }


def _http2() -> dict[str, Any]:
    """Return windows that keep 10 Gb/s at 12 ms round trip full with one connection."""
    return {
        "max_concurrent_streams": 1024,
        "initial_stream_window_size": 16 * MIB,
        "initial_connection_window_size": 64 * MIB,
    }


def _address(port: int, address: str = LOOPBACK) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _typed(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a named extension; `config` has its message type as '@type', without the prefix."""
    return {"name": name, "typed_config": {**config, "@type": f"type.googleapis.com/{config['@type']}"}}
