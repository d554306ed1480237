"""A stand-in for Triton's half of a model in its Python backend; the real one is in tests/integration.

It makes what a healthy Triton does not: a run that fails, a GPU that is not there, a chosen mix of requests.
"""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, text_format  # type: ignore[import-untyped]  # published without types
from tritonclient.grpc import model_config_pb2

from sonic.formats import format_named
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.server.models import DEMO_MODEL, PATCHES_MODEL, VIEWS_MODEL
from sonic.server.repository import Serving, config_text, write_repository
from sonic.view_message import MESSAGE_INPUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sonic.wire_format import WireFormat

    Run = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]

__all__ = ["INVALID_ARG", "UNAVAILABLE", "Request", "Response", "TritonError", "load_model", "model_args", "watch_runs"]

INTERNAL, INVALID_ARG, UNAVAILABLE = 1, 3, 14


class TritonError(Exception):
    """An error for one request, with Triton's code."""

    INTERNAL, INVALID_ARG, UNAVAILABLE = INTERNAL, INVALID_ARG, UNAVAILABLE

    def __init__(self, message: str, code: int = INTERNAL) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Tensor:
    """A named array."""

    name: str
    array: NDArray[Any]

    def as_numpy(self) -> NDArray[Any]:
        """Return the array."""
        return self.array


@dataclass
class Response:
    """What a model answers to one request."""

    tensors: list[Tensor] = field(default_factory=list)
    error: TritonError | None = None

    def array(self, name: str) -> NDArray[Any]:
        """Return one output."""
        return next(tensor.array for tensor in self.tensors if tensor.name == name)


@dataclass
class Request:
    """One request: patches, or a message of a view, by what they are of."""

    tensor: NDArray[Any]
    outputs: tuple[str, ...] = (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT)

    def requested_output_names(self) -> list[str]:
        """Return the outputs that are asked for."""
        return list(self.outputs)


def _input(request: Request, name: str) -> Tensor:
    assert name == (MESSAGE_INPUT if request.tensor.dtype.kind == "u" else INPUT)
    return Tensor(name, request.tensor)


def _stand_in() -> ModuleType:
    module = ModuleType("triton_python_backend_utils")
    stand_ins = {
        "Tensor": Tensor,
        "InferenceResponse": Response,
        "TritonError": TritonError,
        "TritonModelException": TritonError,
        "get_input_tensor_by_name": _input,
    }
    for name, value in stand_ins.items():
        setattr(module, name, value)
    return module


# For good, because the modules that import it stay imported too.
sys.modules.setdefault("triton_python_backend_utils", _stand_in())


def model_args(folder: Path, serving: Serving, wire_format: WireFormat, kind: str = "CPU") -> dict[str, str]:
    """Write the model repository into a folder, and return what Triton would hand to `initialize`."""
    format_ = format_named(wire_format)
    write_repository(folder / "models", DEMO_MODEL, serving)
    parsed = text_format.Parse(config_text(format_, serving), model_config_pb2.ModelConfig())
    config = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
    for tensor in (*config["input"], *config["output"]):
        # protobuf writes long integers as text, Triton does not
        tensor["dims"] = [int(size) for size in tensor["dims"]]
    return {
        "model_config": json.dumps(config),
        "model_repository": str(folder / "models" / format_.model_name(MODEL_NAME)),
        "model_version": "1",
        "model_instance_kind": kind,
        "model_instance_device_id": "0",
    }


def load_model(folder: Path, serving: Serving, wire_format: WireFormat, kind: str = "CPU") -> Any:  # noqa: ANN401
    """Return a model as Triton would have it after `initialize`."""
    file = VIEWS_MODEL if wire_format == "views" else PATCHES_MODEL
    model = runpy.run_path(str(file))["TritonPythonModel"]()
    model.initialize(model_args(folder, serving, wire_format, kind))
    return model


def watch_runs(model: Any, before: Callable[[int], None] = lambda _: None) -> list[int]:  # noqa: ANN401
    """Return a list that will have the size of every run of a model's network.

    Args:
        model: as `load_model` returns it.
        before: called with the size before each run; what it raises is what the run raises.

    """
    sizes: list[int] = []
    run: Run = model._network.run

    def watched(patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        sizes.append(len(patches))
        before(len(patches))
        return run(patches)

    model._network.run = watched
    return sizes
