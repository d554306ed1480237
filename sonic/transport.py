"""The wire to one endpoint: requests out, answers in, and every foreign error made one of ours.

The client's logic (windows, retries, endpoints) knows only the `Transport` protocol; `sonic.fake` is the other
implementation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, InferResult, service_pb2
from tritonclient.utils import InferenceServerException

from sonic.answers import Answer
from sonic.errors import (
    BadAnswer,
    EndpointAway,
    EndpointOverloaded,
    ModelMismatch,
    ModelMissing,
    RequestRefused,
    SonicError,
)
from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, PATCH_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ERROR_OF_STATUS", "Reply", "Transport", "TritonTransport", "sonic_error"]

ERROR_OF_STATUS: dict[grpc.StatusCode, type[SonicError]] = {
    grpc.StatusCode.OK: BadAnswer,  # success without a result
    grpc.StatusCode.CANCELLED: EndpointAway,
    grpc.StatusCode.UNKNOWN: EndpointAway,
    grpc.StatusCode.INVALID_ARGUMENT: RequestRefused,
    grpc.StatusCode.DEADLINE_EXCEEDED: EndpointAway,
    grpc.StatusCode.NOT_FOUND: ModelMissing,
    grpc.StatusCode.ALREADY_EXISTS: RequestRefused,
    grpc.StatusCode.PERMISSION_DENIED: RequestRefused,
    grpc.StatusCode.UNAUTHENTICATED: RequestRefused,
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
_QUEUE_FULL = "maximum queue size"
_TOO_LARGE = "larger than max"

_TENSORS = {
    INPUT: ("FP32", [-1, PATCH_PIXELS, PATCH_PIXELS, 1]),
    EM_TRK_NONE_OUTPUT: ("FP32", [-1, len(EM_TRK_NONE_LABELS)]),
    MICHEL_OUTPUT: ("FP32", [-1, 1]),
}

_INT32_MAX = 2**31 - 1


def _channel_arguments() -> list[tuple[str, int]]:
    """Return the arguments of a channel; giving any replaces tritonclient's own, so its size limits are repeated."""
    return [
        ("grpc.max_send_message_length", _INT32_MAX),
        ("grpc.max_receive_message_length", _INT32_MAX),
        # gRPC waits up to two minutes between connection attempts; the client's own back-off decides instead.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        # Workers often set http_proxy for CVMFS's squid, which gRPC would take for its own; grpc_proxy is meant.
        ("grpc.enable_http_proxy", int("grpc_proxy" in os.environ)),
    ]


@dataclass(frozen=True, eq=False)
class Reply:
    """How one request ended: with an answer or with an error, never both."""

    number: int
    """The number that the request was sent under."""
    answer: Answer | None = None
    error: SonicError | None = None
    bytes_received: int = 0


class Transport(Protocol):
    """One endpoint."""

    @property
    def endpoint(self) -> str:
        """host:port."""
        ...

    def check(self, timeout_s: float) -> int:
        """Return the largest batch that the endpoint takes, once it is ready and serves our network.

        Raises:
            EndpointAway: it does not answer, or says that it is not ready.
            ModelMissing: it has no such model or version.
            ModelMismatch: the model's tensors are other ones.
            RequestRefused: it does not let us ask.

        """
        ...

    def send(self, number: int, patches: NDArray[np.float32], timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Send one batch and return at once; `done` is called once, from any thread, when it ended.

        Returns:
            Bytes handed over.

        """
        ...

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        ...


def sonic_error(error: InferenceServerException, endpoint: str) -> SonicError:
    """Return our error for one of tritonclient's."""
    text = f"{endpoint}: {error.message()}"
    status = _STATUS_OF_TEXT.get(error.status() or "")
    if status is None:  # tritonclient itself objected, before anything was sent
        return RequestRefused(text)
    kind = ERROR_OF_STATUS[status]
    if status is grpc.StatusCode.UNAVAILABLE and _QUEUE_FULL in text.lower():
        kind = EndpointOverloaded
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in text.lower():
        kind = RequestRefused
    return kind(f"{text} ({status.name})")


class TritonTransport:
    """An endpoint that speaks KServe v2 over gRPC: Triton, or Envoy before several of them.

    The channel is made here: construct it after any fork.

    Args:
        endpoint: host:port.
        model_name: Name of the model in the server's repository.
        model_version: Version of the model.

    """

    def __init__(self, endpoint: str, model_name: str, model_version: str) -> None:
        self._endpoint = endpoint
        self._model_name = model_name
        self._model_version = model_version
        self._client = InferenceServerClient(endpoint, channel_args=_channel_arguments())
        self._outputs = [InferRequestedOutput(EM_TRK_NONE_OUTPUT), InferRequestedOutput(MICHEL_OUTPUT)]

    @property
    def endpoint(self) -> str:
        """host:port."""
        return self._endpoint

    def check(self, timeout_s: float) -> int:
        """Return the largest batch that the endpoint takes; see `Transport.check`."""
        model = (self._model_name, self._model_version)
        try:
            if not self._client.is_server_ready(client_timeout=timeout_s):
                message = f"{self._endpoint}: the server is up, but not ready"
                raise EndpointAway(message)
            metadata = self._client.get_model_metadata(*model, client_timeout=timeout_s)
            config = self._client.get_model_config(*model, client_timeout=timeout_s).config
            ready = self._client.is_model_ready(*model, client_timeout=timeout_s)
        except InferenceServerException as error:
            raise sonic_error(error, self._endpoint) from error
        if not ready:
            message = f"{self._endpoint}: model {model[0]} version {model[1]} is not ready"
            raise EndpointAway(message)
        self._check_tensors(metadata)
        return int(config.max_batch_size)

    def _check_tensors(self, metadata: Any) -> None:  # noqa: ANN401  # a protobuf message, generated without types
        found = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in [*metadata.inputs, *metadata.outputs]}
        if found != _TENSORS:
            message = (
                f"{self._endpoint}: the tensors of {self._model_name} are {found}, those of EmTrackMichelId are "
                f"{_TENSORS}; check the campaign's network and the server's model repository"
            )
            raise ModelMismatch(message)

    def send(self, number: int, patches: NDArray[np.float32], timeout_s: float, done: Callable[[Reply], None]) -> int:
        """Send one batch and return at once; see `Transport.send`."""

        def finish(result: InferResult | None, error: InferenceServerException | None) -> None:
            done(self._reply(number, result, error))

        request = InferInput(INPUT, list(patches.shape), "FP32")
        request.set_data_from_numpy(patches)
        try:
            self._client.async_infer(
                self._model_name,
                [request],
                finish,
                model_version=self._model_version,
                request_id=str(number),
                outputs=self._outputs,
                client_timeout=timeout_s,
            )
        except InferenceServerException as error:
            done(self._reply(number, None, error))
        return int(patches.nbytes) + self._envelope_bytes(number, patches.shape)

    def _envelope_bytes(self, number: int, shape: tuple[int, ...]) -> int:
        """Return the size of a request without its patches."""
        message = service_pb2.ModelInferRequest(
            model_name=self._model_name, model_version=self._model_version, id=str(number)
        )
        message.inputs.add(name=INPUT, datatype="FP32", shape=shape)
        for name in (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT):
            message.outputs.add(name=name)
        length_prefix = 5
        return int(message.ByteSize()) + length_prefix

    def _reply(self, number: int, result: InferResult | None, error: InferenceServerException | None) -> Reply:
        if error is not None:
            ours = sonic_error(error, self._endpoint)
            ours.__cause__ = error
            return Reply(number, error=ours)
        tensors = []
        for name in (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT):
            try:
                tensor = None if result is None else result.as_numpy(name)
            except ValueError:  # fewer bytes than its own shape says
                tensor = None
            if tensor is None:
                return Reply(number, error=BadAnswer(f"{self._endpoint}: the answer holds no whole {name}"))
            tensors.append(tensor)
        size = int(result.get_response().ByteSize()) if result is not None else 0
        return Reply(number, Answer(*tensors), bytes_received=size)

    def close(self) -> None:
        """Cancel what is in flight and hang up."""
        self._client.close()
