"""One gRPC channel to an endpoint: how it is encrypted, how it reconnects, and what it lets through."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.credentials import Credentials

__all__ = ["channel_arguments", "channel_credentials", "open_channel"]

_INT32_MAX = 2**31 - 1


def channel_arguments() -> list[tuple[str, int]]:
    """Return the arguments of a channel; giving any replaces tritonclient's own, so its size limits are repeated."""
    return [
        ("grpc.max_send_message_length", _INT32_MAX),
        ("grpc.max_receive_message_length", _INT32_MAX),
        # gRPC waits up to two minutes between connection attempts; the client's own back-off decides instead.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # A server or a host that has stopped without a word is noticed before the deadline of its requests. Not more
        # often: servers close connections that ping three times without getting any data between.
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Workers often set http_proxy for CVMFS's squid, which gRPC would take for its own; grpc_proxy is meant.
        ("grpc.enable_http_proxy", int("grpc_proxy" in os.environ)),
    ]


def channel_credentials(credentials: Credentials) -> Any:  # noqa: ANN401  # gRPC's own type
    """Return the certificates as gRPC takes them; None for no encryption."""
    if not credentials.tls:
        return None
    files = (credentials.ca_file, credentials.key_file, credentials.certificate_file)
    return grpc.ssl_channel_credentials(*(_content(file) for file in files))


def open_channel(endpoint: str, certificates: Any) -> Any:  # noqa: ANN401  # gRPC's own types
    """Return a channel to an endpoint. Channels of one process that are alike share a connection."""
    if certificates is None:
        return grpc.insecure_channel(endpoint, options=channel_arguments())
    return grpc.secure_channel(endpoint, certificates, options=channel_arguments())


def _content(file: Path | None) -> bytes | None:
    return None if file is None else file.read_bytes()
