"""A KServe v2 server whose faults a test can set; the true one cannot be made to lie like this."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from sonic.fake import pixel_scores
from sonic.formats import format_named
from sonic.hit_pixels import HitPixels, Span
from sonic.message import Most
from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT
from sonic.strip_patches import StripPatches
from sonic.transport import Model, Reply, TritonTransport
from tests.builders.client import a_view

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from sonic.credentials import Credentials
    from sonic.message import Message
    from sonic.wire_format import WireFormat

__all__ = ["KServe", "a_message", "a_model", "a_transport", "ask"]


def a_model(wire_format: WireFormat = "patches", network: str = "cnn") -> Model:
    """Return the model of a wire format that `KServe` has."""
    return Model(format_named(wire_format), network, "1")


def a_message(wire_format: WireFormat = "patches", n: int = 5) -> Message:
    """Return a message that asks for so many patches."""
    pixels = HitPixels([a_view(n)])
    return format_named(wire_format).cutter(pixels).cut(Span(0, n), Most(n, 1e9))


def a_transport(
    endpoint: str, wire_format: WireFormat = "patches", credentials: Credentials | None = None
) -> TritonTransport:
    """Return a transport to such a server."""
    model = a_model(wire_format)
    return TritonTransport(endpoint, model, credentials) if credentials else TritonTransport(endpoint, model)


def ask(transport: TritonTransport, message: Message, timeout_s: float = 10.0) -> tuple[Reply, int]:
    """Send one message as request 7; return its reply and the bytes that the transport counts."""
    replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
    sent = transport.send(7, message, timeout_s, replies.put)
    return replies.get(timeout=20), sent


@dataclass
class KServe(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # generated without types
    """Serves the models `cnn` and `cnn_views` from `with` to the end of its block.

    Attributes:
        tls: what it shows to clients; None for no TLS.
        ready: whether the server is.
        model_ready: whether the models are.
        max_batch: of the model `cnn`.
        parameters: of the model `cnn_views`.
        tensors: of the model that was asked about; those of the wire format unless a test puts others here.
        status: what requests are refused with.
        says: the words of that.
        outputs: tensors of an answer.
        lost_bytes: bytes that each lacks at its beginning.
        axes: axes of length 1 that each has before its own; None for those of the wire format.
        datatype: what it calls them.
        request_bytes: size of the last request.
        tokens: the header `authorization` of each call.
        port: where it listens.

    """

    tls: grpc.ServerCredentials | None = None
    ready: bool = True
    model_ready: bool = True
    max_batch: int = 512
    parameters: dict[str, str] = field(default_factory=lambda: {"most_patches": "300", "message_version": "1"})
    tensors: dict[str, tuple[str, list[int]]] = field(default_factory=dict)
    status: grpc.StatusCode | None = None
    says: str = "as the test wants it"
    outputs: tuple[str, ...] = (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT)
    lost_bytes: int = 0
    axes: tuple[int, ...] | None = None
    datatype: str = "FP32"
    request_bytes: int = 0
    tokens: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._running = grpc.server(ThreadPoolExecutor(4))
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self, self._running)
        address = f"127.0.0.1:{self.port}"
        add, port_of = self._running.add_insecure_port, self._running.add_secure_port
        self.port = add(address) if self.tls is None else port_of(address, self.tls)
        self._running.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.stop(None).wait()

    def _format_of(self, name: str, context: Any) -> WireFormat:  # noqa: ANN401  # grpcio publishes no types
        self.tokens += [value for key, value in context.invocation_metadata() if key == "authorization"]
        if name not in ("cnn", "cnn_views"):
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {name}")
        return "views" if name == "cnn_views" else "patches"

    def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # named by KServe, without types
        """Say whether it is ready."""
        return service_pb2.ServerReadyResponse(ready=self.ready)

    def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Say whether the model is ready."""
        return service_pb2.ModelReadyResponse(ready=self.model_ready)

    def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Describe the tensors."""
        format_ = format_named(self._format_of(request.name, context))
        answer = service_pb2.ModelMetadataResponse(name=request.name)
        own = {name: (tensor.datatype, list(tensor.shape)) for name, tensor in format_.tensors.items()}
        for name, (datatype, shape) in (own | self.tensors).items():
            group = answer.inputs if name == format_.input_name else answer.outputs
            group.add(name=name, datatype=datatype, shape=shape)
        return answer

    def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Say the sizes."""
        answer = service_pb2.ModelConfigResponse()
        answer.config.max_batch_size = self.max_batch
        if self._format_of(request.name, context) == "views":
            for name, value in self.parameters.items():
                answer.config.parameters[name].string_value = value
        return answer

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Answer from the pixels, or fail."""
        wire_format = self._format_of(request.model_name, context)
        self.request_bytes = request.ByteSize()
        if self.status is not None:
            context.abort(self.status, self.says)
        scores = pixel_scores(_patches_of(request, wire_format))
        axes = self.axes if self.axes is not None else (1,) * (wire_format == "views")
        answer = service_pb2.ModelInferResponse(model_name=request.model_name, id=request.id)
        tensors = {EM_TRK_NONE_OUTPUT: scores.em_trk_none, MICHEL_OUTPUT: scores.michel}
        for name in self.outputs:
            answer.outputs.add(name=name, datatype=self.datatype, shape=(*axes, *tensors[name].shape))
            answer.raw_output_contents.append(tensors[name].tobytes()[self.lost_bytes :])
        return answer


def _patches_of(request: Any, wire_format: WireFormat) -> NDArray[np.float32]:  # noqa: ANN401  # without types
    content = request.raw_input_contents[0]
    if wire_format == "views":
        strip = StripPatches(np.frombuffer(content, np.uint8), most_patches=65_536)
        return strip.cut(0, len(strip))
    return np.frombuffer(content, np.float32).reshape(list(request.inputs[0].shape))
