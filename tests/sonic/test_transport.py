"""The wire: requests as Triton wants them, and every foreign error one of ours."""

from __future__ import annotations

import queue
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from sonic.errors import (
    BadAnswer,
    EndpointAway,
    EndpointOverloaded,
    ModelMismatch,
    ModelMissing,
    RequestRefused,
    SonicError,
)
from sonic.fake import pixel_scores
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, PATCH_BYTES
from sonic.transport import ERROR_OF_STATUS, Reply, TritonTransport, sonic_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass
class Server(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]  # generated without types
    """A KServe v2 server whose faults a test can set; the true one cannot be made to lie like this."""

    ready: bool = True
    model_ready: bool = True
    max_batch: int = 512
    tensors: dict[str, tuple[str, list[int]]] = field(
        default_factory=lambda: {
            INPUT: ("FP32", [-1, 48, 48, 1]),
            EM_TRK_NONE_OUTPUT: ("FP32", [-1, 3]),
            MICHEL_OUTPUT: ("FP32", [-1, 1]),
        }
    )
    status: grpc.StatusCode | None = None
    outputs: tuple[str, ...] = (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT)
    lost_bytes: int = 0
    request_bytes: int = 0
    address: str = ""

    def ServerReady(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # named by KServe, without types
        """Say whether it is ready."""
        return service_pb2.ServerReadyResponse(ready=self.ready)

    def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Say whether the model is ready."""
        return service_pb2.ModelReadyResponse(ready=self.model_ready)

    def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Describe the tensors."""
        if request.name != "cnn":
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {request.name}")
        answer = service_pb2.ModelMetadataResponse(name=request.name)
        for name, (datatype, shape) in self.tensors.items():
            group = answer.inputs if name == INPUT else answer.outputs
            group.add(name=name, datatype=datatype, shape=shape)
        return answer

    def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Say the largest batch."""
        answer = service_pb2.ModelConfigResponse()
        answer.config.max_batch_size = self.max_batch
        return answer

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802, ANN401  # as above
        """Answer from the pixels, or fail."""
        self.request_bytes = request.ByteSize()
        if self.status is not None:
            context.abort(self.status, "as the test wants it")
        patches = np.frombuffer(request.raw_input_contents[0], np.float32).reshape(list(request.inputs[0].shape))
        scores = pixel_scores(patches)
        answer = service_pb2.ModelInferResponse(model_name=request.model_name, id=request.id)
        tensors = {EM_TRK_NONE_OUTPUT: scores.em_trk_none, MICHEL_OUTPUT: scores.michel}
        for name in self.outputs:
            answer.outputs.add(name=name, datatype="FP32", shape=tensors[name].shape)
            answer.raw_output_contents.append(tensors[name].tobytes()[self.lost_bytes :])
        return answer


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server on a free port."""
    servicer = Server()
    running = grpc.server(ThreadPoolExecutor(4))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, running)
    servicer.address = f"127.0.0.1:{running.add_insecure_port('127.0.0.1:0')}"
    running.start()
    yield servicer
    running.stop(None).wait()


@pytest.fixture
def transport(server: Server) -> Iterator[TritonTransport]:
    """Open a transport to the server."""
    opened = TritonTransport(server.address, "cnn", "1")
    yield opened
    opened.close()


def ask(transport: TritonTransport, patches: NDArray[np.float32], timeout_s: float = 10.0) -> tuple[Reply, int]:
    """Send one batch and wait for its reply."""
    replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
    sent = transport.send(7, patches, timeout_s, replies.put)
    return replies.get(timeout=20), sent


def some_patches(n: int = 3) -> NDArray[np.float32]:
    """Return patches of noise."""
    return np.random.default_rng(0).normal(size=(n, 48, 48, 1)).astype(np.float32)


def test_every_grpc_status_has_its_error() -> None:
    """A status that gRPC knows and we do not would surface as a KeyError in somebody's job."""
    assert set(ERROR_OF_STATUS) == set(grpc.StatusCode)


@pytest.mark.parametrize("status", list(grpc.StatusCode), ids=lambda status: status.name)
def test_tritonclients_errors_become_ours(status: grpc.StatusCode) -> None:
    """Every status must give the error of the table, with the endpoint and the status in its text."""
    error = sonic_error(InferenceServerException("why", status=str(status)), "server-7:8001")
    assert type(error) is ERROR_OF_STATUS[status]
    assert isinstance(error, SonicError)
    assert "server-7:8001" in str(error)
    assert "why" in str(error)
    assert status.name in str(error)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        ("StatusCode.UNAVAILABLE", "Exceeds maximum queue size", EndpointOverloaded),
        ("StatusCode.UNAVAILABLE", "failed to connect to all addresses", EndpointAway),
        ("StatusCode.RESOURCE_EXHAUSTED", "Received message larger than max (9 vs. 4)", RequestRefused),
        ("StatusCode.RESOURCE_EXHAUSTED", "rate limited", EndpointOverloaded),
        (None, "got unexpected numpy array shape", RequestRefused),
    ],
)
def test_the_text_tells_apart_what_one_status_mixes(status: str | None, text: str, kind: type[SonicError]) -> None:
    """A full queue is no dead server, and a message that is too large will be too large again."""
    assert type(sonic_error(InferenceServerException(text, status=status), "x")) is kind


def test_a_batch_goes_there_and_back(transport: TritonTransport, server: Server) -> None:
    """Scores must be those of the patches that were sent, and the bytes those on the wire."""
    assert transport.check(5) == 512
    patches = some_patches(5)
    reply, sent = ask(transport, patches)
    assert reply.number == 7
    assert reply.answer is not None
    assert np.array_equal(reply.answer.em_trk_none, pixel_scores(patches).em_trk_none)
    assert np.array_equal(reply.answer.michel, pixel_scores(patches).michel)
    assert abs(sent - server.request_bytes) <= 4
    assert sent > 5 * PATCH_BYTES
    assert reply.bytes_received > 5 * 16


@pytest.mark.parametrize("status", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_what_a_server_aborts_with_arrives_as_our_error(
    transport: TritonTransport, server: Server, status: grpc.StatusCode
) -> None:
    """Over a real channel, every status must come out as the table's error, chained to tritonclient's."""
    server.status = status
    reply, _ = ask(transport, some_patches())
    assert reply.answer is None
    assert type(reply.error) is ERROR_OF_STATUS[status]
    assert isinstance(reply.error.__cause__, InferenceServerException)


def test_an_answer_without_a_tensor_is_bad(transport: TritonTransport, server: Server) -> None:
    """A missing output must be named."""
    server.outputs = (EM_TRK_NONE_OUTPUT,)
    reply, _ = ask(transport, some_patches())
    assert isinstance(reply.error, BadAnswer)
    assert MICHEL_OUTPUT in str(reply.error)


def test_an_answer_with_too_few_bytes_is_bad(transport: TritonTransport, server: Server) -> None:
    """Bytes that do not fill the shape must not become scores."""
    server.lost_bytes = 4
    reply, _ = ask(transport, some_patches())
    assert isinstance(reply.error, BadAnswer)


def test_a_server_that_is_not_ready_is_away(transport: TritonTransport, server: Server) -> None:
    """Neither a server nor a model that is loading may be asked yet."""
    server.ready = False
    with pytest.raises(EndpointAway, match="not ready"):
        transport.check(5)
    server.ready, server.model_ready = True, False
    with pytest.raises(EndpointAway, match="model cnn version 1 is not ready"):
        transport.check(5)


def test_another_model_is_missing(server: Server) -> None:
    """A model that the server does not have must be ModelMissing."""
    transport = TritonTransport(server.address, "other", "1")
    with pytest.raises(ModelMissing, match="unknown model other"):
        transport.check(5)
    transport.close()


@pytest.mark.parametrize(
    ("name", "tensor"),
    [(INPUT, ("FP32", [-1, 44, 48, 1])), (MICHEL_OUTPUT, ("FP64", [-1, 1])), ("extra", ("FP32", [-1, 1]))],
)
def test_other_tensors_are_a_mismatch(
    transport: TritonTransport, server: Server, name: str, tensor: tuple[str, list[int]]
) -> None:
    """Another patch size, type or output must be found before the first request."""
    server.tensors[name] = tensor
    with pytest.raises(ModelMismatch, match="tensors of cnn"):
        transport.check(5)


def test_a_port_where_nobody_listens_is_away() -> None:
    """A dead server must be EndpointAway, for the check and for a request."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        transport = TritonTransport(f"127.0.0.1:{reserved.getsockname()[1]}", "cnn", "1")
        with pytest.raises(EndpointAway):
            transport.check(2)
        reply, _ = ask(transport, some_patches(), timeout_s=2)
        assert isinstance(reply.error, EndpointAway)
        transport.close()


def test_a_server_that_accepts_and_never_answers_is_away_after_the_deadline() -> None:
    """A hung server must cost no more than the time that it was given."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = TritonTransport(f"127.0.0.1:{mute.getsockname()[1]}", "cnn", "1")
        with pytest.raises(EndpointAway):
            transport.check(0.3)
        reply, _ = ask(transport, some_patches(), timeout_s=0.3)
        assert isinstance(reply.error, EndpointAway)
        transport.close()


def test_closing_ends_what_is_in_flight() -> None:
    """A closed transport must tell the sender that its request is over, so that nobody waits for it."""
    replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = TritonTransport(f"127.0.0.1:{mute.getsockname()[1]}", "cnn", "1")
        transport.send(1, some_patches(), 60, replies.put)
        transport.close()
        assert isinstance(replies.get(timeout=10).error, EndpointAway)
