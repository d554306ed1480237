"""What the page on wire formats promises of a server, asked of the real one without our client."""

from __future__ import annotations

import http.client
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.builders.wire_vector import FOLDER, N_PATCHES_SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from sonic.server.state import ServersState

VIEWS, PATCHES = "cnn_emtrkmichel_1_views", "cnn_emtrkmichel_1"
MESSAGE = (FOLDER / "message.bin").read_bytes()
SCORES = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))
SOFTMAX, SIGMOID = "em_trk_none_netout/Softmax", "michel_netout/Sigmoid"


def _infer(state: ServersState, model: str, name: str, datatype: str, shape: list[int], raw: bytes) -> dict[str, Any]:
    """Return the outputs of a request as the page describes it, by name."""
    request = service_pb2.ModelInferRequest(model_name=model, model_version="1")
    request.inputs.add(name=name, datatype=datatype, shape=shape)
    request.raw_input_contents.append(raw)
    with grpc.insecure_channel(state.endpoint) as channel:
        answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=60)
    return {
        output.name: np.frombuffer(content, "<f4").reshape(output.shape)
        for output, content in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }


def _infer_views(state: ServersState, message: bytes) -> dict[str, Any]:
    return _infer(state, VIEWS, "view_message", "UINT8", [1, len(message)], message)


def test_the_vector_gets_its_scores_in_both_formats(inference_pool: ServersState) -> None:
    """The message and the patches of the vector come back as its scores, in the shapes of the page."""
    views = _infer_views(inference_pool, MESSAGE)
    raw = (FOLDER / "patches.f32").read_bytes()
    patches = _infer(inference_pool, PATCHES, "main_input", "FP32", [N_PATCHES_SHOWN, 48, 48, 1], raw)

    for name in (SOFTMAX, SIGMOID):
        np.testing.assert_allclose(views[name], [SCORES[name]], atol=1e-6)
        np.testing.assert_allclose(patches[name], SCORES[name][:N_PATCHES_SHOWN], atol=1e-6)


def test_the_vector_can_be_tried_over_http(inference_pool: ServersState) -> None:
    """A body that is the message alone is answered: the check of a pool that needs nothing but curl."""
    port = inference_pool.servers[0].http_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": "0"}
    try:
        connection.request("POST", f"/v2/models/{VIEWS}/infer", body=MESSAGE, headers=headers)
        answer = connection.getresponse().read()
    finally:
        connection.close()
    assert answer.startswith(b'{"model_name":"cnn_emtrkmichel_1_views"')


def _with_header_byte(place: int, value: int) -> bytes:
    body = bytearray(MESSAGE[:-4])
    body[place] = value
    return bytes(body) + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("ask", "status", "text"),
    [
        (
            lambda state: _infer_views(state, MESSAGE[:100] + b"x" + MESSAGE[101:]),
            grpc.StatusCode.UNAVAILABLE,
            "MessageDamaged: the checksum of a message is wrong",
        ),
        (
            lambda state: _infer_views(state, _with_header_byte(4, 2)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "not a message of a view: a message of version 2",
        ),
        (
            lambda state: _infer(state, PATCHES, "main_input", "FP32", [1, 48, 48], bytes(9216)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "unexpected shape",
        ),
        (
            lambda state: _infer(state, VIEWS, "view_message", "UINT8", [1, 9], bytes(8)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "input byte size mismatch",
        ),
        (
            lambda state: _infer(state, "cnn_other", "view_message", "UINT8", [1, 8], bytes(8)),
            grpc.StatusCode.NOT_FOUND,
            "Request for unknown model",
        ),
    ],
)
def test_errors_are_those_of_the_page(
    ask: Callable[[ServersState], object], status: grpc.StatusCode, text: str, inference_pool: ServersState
) -> None:
    """The server says what the page's table of errors says that it does."""
    with pytest.raises(grpc.RpcError) as caught:
        ask(inference_pool)
    assert caught.value.code() is status
    assert text in caught.value.details()
