"""The one place where tritonclient's and gRPC's errors become ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information

from sonic.errors import (
    BadAnswer,
    EndpointAway,
    EndpointNotReady,
    EndpointOverloaded,
    EndpointSilent,
    EndpointUntrusted,
    ModelMismatch,
    ModelMissing,
    RequestRefused,
    RequestTooLarge,
    SonicError,
    TokenRefused,
)

if TYPE_CHECKING:
    from tritonclient.utils import InferenceServerException

__all__ = ["ERROR_OF_STATUS", "sonic_error"]

ERROR_OF_STATUS: dict[grpc.StatusCode, type[SonicError]] = {
    grpc.StatusCode.OK: BadAnswer,  # success without a result
    grpc.StatusCode.CANCELLED: EndpointAway,
    grpc.StatusCode.UNKNOWN: EndpointAway,
    grpc.StatusCode.INVALID_ARGUMENT: RequestRefused,
    grpc.StatusCode.DEADLINE_EXCEEDED: EndpointSilent,
    grpc.StatusCode.NOT_FOUND: ModelMissing,
    grpc.StatusCode.ALREADY_EXISTS: RequestRefused,
    grpc.StatusCode.PERMISSION_DENIED: TokenRefused,
    grpc.StatusCode.UNAUTHENTICATED: TokenRefused,
    grpc.StatusCode.RESOURCE_EXHAUSTED: EndpointOverloaded,
    grpc.StatusCode.FAILED_PRECONDITION: RequestRefused,
    grpc.StatusCode.ABORTED: EndpointAway,
    grpc.StatusCode.OUT_OF_RANGE: RequestRefused,
    grpc.StatusCode.UNIMPLEMENTED: RequestRefused,
    grpc.StatusCode.INTERNAL: EndpointAway,  # a backend that died, a proxy that reset the stream
    grpc.StatusCode.UNAVAILABLE: EndpointAway,
    grpc.StatusCode.DATA_LOSS: EndpointAway,
}
"""What each gRPC status means for us."""

_STATUS_OF_TEXT = {str(status): status for status in grpc.StatusCode}
_TOLD_BY_TEXT: tuple[tuple[grpc.StatusCode, str, type[SonicError]], ...] = (
    (grpc.StatusCode.UNAVAILABLE, "maximum queue size", EndpointOverloaded),
    (grpc.StatusCode.UNAVAILABLE, "overflow", EndpointOverloaded),  # a proxy's own limit of requests
    (grpc.StatusCode.UNAVAILABLE, "tls handshake failed", EndpointUntrusted),
    (grpc.StatusCode.UNAVAILABLE, "ssl handshake failed", EndpointUntrusted),  # the same in older versions of gRPC
    (grpc.StatusCode.UNAVAILABLE, "certificate", EndpointUntrusted),
    (grpc.StatusCode.UNAVAILABLE, "verification check failed", EndpointUntrusted),  # it is another host's
    (grpc.StatusCode.UNAVAILABLE, "security handshaker", EndpointUntrusted),  # a file of ours holds no certificate
    (grpc.StatusCode.UNAVAILABLE, "tsi_data_corrupted", EndpointUntrusted),  # the server ends it: our certificate
    (grpc.StatusCode.UNAVAILABLE, "handshake read failed", EndpointUntrusted),  # the same, a moment earlier
    (grpc.StatusCode.UNAVAILABLE, "not ready", EndpointNotReady),
    (grpc.StatusCode.NOT_FOUND, "no available versions", EndpointNotReady),  # a Triton that is stopping
    (grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max", RequestTooLarge),
    (grpc.StatusCode.UNKNOWN, "payload too large", RequestTooLarge),  # Envoy's limit of bodies
    (grpc.StatusCode.UNKNOWN, "status: 413", RequestTooLarge),  # that of a proxy which answers in HTTP
    (grpc.StatusCode.INVALID_ARGUMENT, "batch-size must be <=", RequestTooLarge),
    (grpc.StatusCode.INVALID_ARGUMENT, "unexpected shape", ModelMismatch),
    (grpc.StatusCode.INVALID_ARGUMENT, "unexpected datatype", ModelMismatch),
    (grpc.StatusCode.INVALID_ARGUMENT, "unexpected inference input", ModelMismatch),
)
"""What only the text tells apart: status, a part of the text in small letters, and what it means for us."""


def sonic_error(error: InferenceServerException, endpoint: str) -> SonicError:
    """Return our error for one of tritonclient's."""
    said = str(error.message() or "")
    text = f"{endpoint}: {said}"
    status = _STATUS_OF_TEXT.get(error.status() or "")
    if status is None:  # tritonclient itself objected, before anything was sent
        return RequestRefused(text)
    lower = said.lower()
    told = (kind for its, part, kind in _TOLD_BY_TEXT if its is status and part in lower)
    kind = next(told, ERROR_OF_STATUS[status])
    return kind(f"{text} ({status.name})")
