"""The network as the models in the server run it: ONNX Runtime, bounded runs, the GPU where Triton has placed them.

It travels into the model repository, so it imports only what Triton's own environment has, and what travels too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

# ONNX Runtime reports its use to its maker unless this is set before it is loaded; no server of a site shall.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]  # exists only inside Triton
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from sonic.network import INPUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["RUN_ERRORS", "NetworkSession", "parameters_of"]

RUN_ERRORS = (ort_state.Fail, ort_state.RuntimeException, ort_state.EPFail, ort_state.InvalidArgument, MemoryError)
"""What a run of the network may raise; they concern the requests in that run and no others."""


def parameters_of(args: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of the model's configuration, from what Triton hands to `initialize`."""
    config = json.loads(args["model_config"])
    return {key: value["string_value"] for key, value in config["parameters"].items()}


class NetworkSession:
    """One loaded network.

    Args:
        args: what Triton hands to a model's `initialize`.

    """

    def __init__(self, args: Mapping[str, str]) -> None:
        parameters = parameters_of(args)
        self.patches_per_run = int(parameters["patches_per_run"])
        self.outputs = [output["name"] for output in json.loads(args["model_config"])["output"]]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["intra_op_threads"])
        options.inter_op_num_threads = 1
        # An idle server must leave the cores to the other servers of the machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        file = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self._session = onnxruntime.InferenceSession(file, options, providers=_providers(args))
        # The first run allocates, and the server is not ready before. Triton's own warm-up would count as requests.
        _, *patch = self._session.get_inputs()[0].shape
        self.run(np.zeros((1, *patch), np.float32))

    def run(self, patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the outputs for patches (n, 48, 48, 1), n being at most `patches_per_run`: what bounds the memory.

        Activations of one patch take up to 372 kB, and a request may hold 65,536 of them.
        """
        scores: list[NDArray[np.float32]] = self._session.run(self.outputs, {INPUT: patches})
        return scores

    def response(self, request: Any, scores: list[NDArray[np.float32]]) -> Any:  # noqa: ANN401  # Triton's own types
        """Return the answer to a request: of its outputs, those that it asks for."""
        wanted = request.requested_output_names()
        tensors = zip(self.outputs, scores, strict=True)
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, rows) for name, rows in tensors if name in wanted])


def _providers(args: Mapping[str, str]) -> list[Any]:
    """Return ONNX Runtime's execution providers for this instance."""
    if args["model_instance_kind"] != "GPU":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise pb_utils.TritonModelException(
            "the instance is placed on a GPU, but this ONNX Runtime has no CUDA provider: install onnxruntime-gpu in "
            "Triton's environment, or start the servers without GPUs"
        )
    return [("CUDAExecutionProvider", {"device_id": int(args["model_instance_device_id"])}), "CPUExecutionProvider"]
