"""One gRPC channel to an endpoint: how it is encrypted, how it reconnects, and what it lets through."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.credentials import Credentials

__all__ = ["open_channel"]

_INT32_MAX = 2**31 - 1


def open_channel(endpoint: str, credentials: Credentials) -> Any:  # noqa: ANN401  # gRPC's own type
    """Return a channel to an endpoint, which connects at its first use."""
    if not credentials.tls:
        return grpc.insecure_channel(endpoint, options=_arguments())
    files = (credentials.ca_file, credentials.key_file, credentials.certificate_file)
    certificates = grpc.ssl_channel_credentials(*(_content(file) for file in files))
    return grpc.secure_channel(endpoint, certificates, options=_arguments())


def _arguments() -> list[tuple[str, int]]:
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


def _content(file: Path | None) -> bytes | None:
    return None if file is None else file.read_bytes()
