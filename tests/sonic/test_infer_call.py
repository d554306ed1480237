"""Requests as bytes: what protobuf itself would write, whatever the tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2

from sonic.errors import RequestRefused
from sonic.infer_call import request_bytes
from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT


def _read(tensor: NDArray[Any], datatype: str) -> Any:  # noqa: ANN401  # protobuf publishes no types
    return service_pb2.ModelInferRequest.FromString(request_bytes("cnn", "1", 7, "image", datatype, tensor))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_a_request_says_all_that_a_server_needs(size: int) -> None:
    """Model, version, number, both outputs, and the tensor byte by byte, at each size where the length grows."""
    tensor = (np.arange(size) % 251).astype(np.uint8)[np.newaxis]
    request = _read(tensor, "UINT8")
    assert (request.model_name, request.model_version, request.id) == ("cnn", "1", "7")
    (described,) = request.inputs
    assert (described.name, described.datatype, tuple(described.shape)) == ("image", "UINT8", tensor.shape)
    assert [output.name for output in request.outputs] == [EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT]
    assert list(request.raw_input_contents) == [tensor.tobytes()]


def test_a_tensor_with_gaps_goes_as_its_numbers() -> None:
    """A slice of a larger array must be sent in its own order, not as it lies in memory."""
    tensor = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, 1::2]
    assert list(_read(tensor, "FP32").raw_input_contents) == [tensor.tobytes()]


def test_a_tensor_of_another_type_is_refused() -> None:
    """What the server would take for other numbers must not be sent."""
    with pytest.raises(RequestRefused, match="unexpected datatype float64"):
        request_bytes("cnn", "1", 7, "image", "FP32", np.zeros(3))
