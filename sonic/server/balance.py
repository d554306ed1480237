"""How Envoy chooses among the servers, when it leaves one out, and what it sends a second time.

Requests only ask for scores and change nothing, so a second one is never wrong; it may only cost too much. So nothing
is sent again that a server has refused because it has enough to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sonic.server.triton import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["CLUSTER", "REPLAY_BYTES", "address", "cluster", "http2", "members", "route"]

CLUSTER = "triton"

MIB = 1024 * 1024

REPLAY_BYTES = 64 * MIB
"""A request up to this size can be sent to another server when the first one fails; 64 MiB are 7,000 patches. A larger
one is passed on as it comes, and fails with its server."""

MAX_REQUESTS_IN_FLIGHT = 100_000
"""Envoy's default of 1,024 would refuse the jobs of one large site."""

SAFE_REFUSALS = ("not at ready state", "has no available versions", "Server not ready", "Server is stopping")
"""What Triton says, mostly with UNAVAILABLE, when it starts or stops.

With UNAVAILABLE it also says "Exceeds maximum queue size": then the server that was the least busy is full, and asking
the others as well would load them when they can bear it least. The client waits instead.
"""


def route() -> dict[str, Any]:
    """Return where every request goes, and when it goes there again."""
    return {
        "cluster": CLUSTER,
        # The client's own deadline counts; Envoy's default would cut requests off after 15 s.
        "timeout": "0s",
        "retry_policy": {
            "retry_on": "connect-failure,refused-stream,reset,retriable-headers",
            "retriable_headers": [
                {"name": "grpc-message", "string_match": {"contains": words}} for words in SAFE_REFUSALS
            ],
            "num_retries": 3,
            "retry_back_off": {"base_interval": "0.3s", "max_interval": "1s"},
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


def cluster(endpoints_file: Path) -> dict[str, Any]:
    """Return how Envoy chooses among the servers, and when it leaves one out."""
    limits = {
        "max_connections": MAX_REQUESTS_IN_FLIGHT,
        "max_pending_requests": MAX_REQUESTS_IN_FLIGHT,
        "max_requests": MAX_REQUESTS_IN_FLIGHT,
        # A retry stands for a request that its server has lost or refused, and adds nothing to the load; a smaller
        # number would fail what was in flight on a server that held more than its share when it died.
        "max_retries": MAX_REQUESTS_IN_FLIGHT,
    }
    protocol = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {
            "http2_protocol_options": {
                **http2(),
                # A server that takes connections and never answers: its requests are reset, and sent to another.
                "connection_keepalive": {"interval": "1s", "timeout": "2s"},
            }
        },
    }
    fewest = {
        "name": "envoy.load_balancing_policies.least_request",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
            # By default the better one of two at random, so that one that hangs would soon hold every request.
            "selection_method": "FULL_SCAN",
        },
    }
    return {
        "name": CLUSTER,
        "type": "EDS",
        "eds_cluster_config": {
            "eds_config": {"resource_api_version": "V3", "path_config_source": {"path": str(endpoints_file)}}
        },
        # By default a server that has left the list gets requests as long as it is healthy.
        "ignore_health_on_host_removal": True,
        "connect_timeout": "2s",
        "load_balancing_policy": {"policies": [{"typed_extension_config": fewest}]},
        "common_lb_config": {
            # By default the servers that do not answer get requests, too, as soon as they are more than half.
            "healthy_panic_threshold": {"value": 0},
            # By default a server that has been left out, or is leaving, gets requests for up to a second more.
            "update_merge_window": "0s",
        },
        "per_connection_buffer_limit_bytes": REPLAY_BYTES,
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol},
        "circuit_breakers": {"thresholds": [limits]},
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "0.5s",
                # By default a server that nobody asked yet is checked once a minute.
                "no_traffic_interval": "0.5s",
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


def members(grpc_ports: Iterable[int], leaving: Iterable[int] = ()) -> dict[str, Any]:
    """Return the list of servers; those that are leaving get no new request and finish what they have."""
    hosts: list[dict[str, Any]] = [{"endpoint": {"address": address(port)}} for port in grpc_ports]
    hosts += [{"endpoint": {"address": address(port)}, "health_status": "DRAINING"} for port in leaving]
    return {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": CLUSTER,
        "endpoints": [{"lb_endpoints": hosts}],
    }


def http2() -> dict[str, Any]:
    """Return windows that keep 10 Gb/s at 12 ms round trip full with one connection."""
    return {
        "max_concurrent_streams": 1024,
        "initial_stream_window_size": 16 * MIB,
        "initial_connection_window_size": 64 * MIB,
    }


def address(port: int, host: str = LOOPBACK) -> dict[str, Any]:
    """Return an address in Envoy's words."""
    return {"socket_address": {"address": host, "port_value": port}}
