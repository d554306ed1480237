"""The model inside Triton, with a stand-in for Triton's half; the real one is in tests/integration/test_servers.py.

The stand-in makes what a healthy Triton does not: a run that fails, a GPU that is not there, a chosen mix of requests.
"""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from google.protobuf import json_format, text_format  # type: ignore[import-untyped]  # published without types
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state
from tritonclient.grpc import model_config_pb2

from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.server.models import BACKEND, DEMO_MODEL
from sonic.server.models.quality import run_model
from sonic.server.repository import Serving, config_text, write_repository

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass
class _Tensor:
    name: str
    array: NDArray[np.float32]

    def as_numpy(self) -> NDArray[np.float32]:
        return self.array


@dataclass
class _Response:
    tensors: list[_Tensor] = field(default_factory=list)
    error: Exception | None = None

    def array(self, name: str) -> NDArray[np.float32]:
        return next(tensor.array for tensor in self.tensors if tensor.name == name)


@dataclass
class _Request:
    patches: NDArray[np.float32]
    outputs: tuple[str, ...] = (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT)

    def requested_output_names(self) -> list[str]:
        return list(self.outputs)


class _TritonError(Exception):
    pass


def _model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serving: Serving, kind: str = "CPU") -> Any:  # noqa: ANN401
    """Return the model as Triton would have it after initialize."""
    pb_utils = ModuleType("triton_python_backend_utils")
    stand_ins = {
        "Tensor": _Tensor,
        "InferenceResponse": _Response,
        "TritonError": _TritonError,
        "TritonModelException": _TritonError,
        "get_input_tensor_by_name": lambda request, name: _Tensor(name, request.patches),
    }
    for name, value in stand_ins.items():
        setattr(pb_utils, name, value)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", pb_utils)
    write_repository(tmp_path / "models", DEMO_MODEL, serving)
    parsed = text_format.Parse(config_text(serving), model_config_pb2.ModelConfig())
    config = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
    for tensor in (*config["input"], *config["output"]):
        tensor["dims"] = [
            int(size) for size in tensor["dims"]
        ]  # protobuf writes long integers as text, Triton does not
    model = runpy.run_path(str(BACKEND))["TritonPythonModel"]()
    model.initialize(
        {
            "model_config": json.dumps(config),
            "model_repository": str(tmp_path / "models" / MODEL_NAME),
            "model_version": "1",
            "model_instance_kind": kind,
            "model_instance_device_id": "0",
        }
    )
    return model


def _patches(n: int) -> NDArray[np.float32]:
    return np.random.default_rng(n).uniform(-5, 15, (n, 48, 48, 1)).astype(np.float32)


def test_small_requests_share_a_run_and_large_ones_take_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the mix of sizes, no run is larger than allowed and every request gets its own scores."""
    model = _model(tmp_path, monkeypatch, Serving(patches_per_run=32))
    sizes: list[int] = []
    session = model._session

    class _Counting:
        def run(self, outputs: list[str], inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            sizes.append(len(inputs[INPUT]))
            scores: list[NDArray[np.float32]] = session.run(outputs, inputs)
            return scores

    model._session = _Counting()
    requests = [_Request(_patches(n)) for n in (3, 5, 20, 10, 100, 32, 1, 1)]

    responses = model.execute(requests)

    assert sizes == [28, 10, 32, 32, 32, 4, 32, 2]
    for request, response in zip(requests, responses, strict=True):
        scores, michel = run_model(DEMO_MODEL, request.patches)
        np.testing.assert_allclose(response.array(EM_TRK_NONE_OUTPUT), scores, atol=1e-5)
        np.testing.assert_allclose(response.array(MICHEL_OUTPUT)[:, 0], michel, atol=1e-5)


def test_failed_run_concerns_its_requests_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When one run fails, as on a full GPU, its requests get the error and those of other runs their scores."""
    model = _model(tmp_path, monkeypatch, Serving(patches_per_run=8))
    session = model._session

    class _Failing:
        def run(self, outputs: list[str], inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            if len(inputs[INPUT]) == 7:
                raise ort_state.RuntimeException("out of memory")
            scores: list[NDArray[np.float32]] = session.run(outputs, inputs)
            return scores

    model._session = _Failing()

    responses = model.execute([_Request(_patches(n)) for n in (8, 3, 4, 8)])

    assert [response.error is None for response in responses] == [True, False, False, True]
    assert "out of memory" in str(responses[1].error)


def test_only_the_outputs_asked_for_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for one output is answered with that output alone."""
    model = _model(tmp_path, monkeypatch, Serving())

    (response,) = model.execute([_Request(_patches(2), (MICHEL_OUTPUT,))])

    assert [tensor.name for tensor in response.tensors] == [MICHEL_OUTPUT]


def test_gpu_without_its_provider_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model placed on a GPU does not quietly run on the CPU, ten times slower."""
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(_TritonError, match="onnxruntime-gpu"):
        _model(tmp_path, monkeypatch, Serving(gpu=True), kind="GPU")
