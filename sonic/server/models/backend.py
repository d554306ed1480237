"""EmTrackMichelId inside Triton's Python backend, run by ONNX Runtime; copied into the model repository as model.py.

It runs in Triton's own environment, so it imports nothing of this project. Tensor names and sizes come from the model
configuration that Triton hands over; `sonic.server.repository` writes it.
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["TritonPythonModel"]

_RUN_ERRORS = (ort_state.Fail, ort_state.RuntimeException, ort_state.EPFail, ort_state.InvalidArgument, MemoryError)
"""What a run of the network may raise; they concern the requests in that run and no others."""


class TritonPythonModel:
    """One instance of the model; the name and the methods are Triton's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load model.onnx from beside this file, on the GPU where Triton placed the instance there."""
        config = json.loads(args["model_config"])
        self._input = config["input"][0]["name"]
        self._outputs = [output["name"] for output in config["output"]]
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
        self._patches_per_run = int(parameters["patches_per_run"])
        folder = Path(args["model_repository"]) / args["model_version"]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters["intra_op_threads"])
        options.inter_op_num_threads = 1
        # An idle server must leave the cores to the other servers of the machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=_providers(args))
        # The first run allocates, and the server is not ready before. Triton's own warm-up would count as requests.
        self._run([np.zeros((1, *config["input"][0]["dims"]), np.float32)])

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer requests in their order; small ones share a run of the network, large ones take several."""
        responses: list[Any] = []
        for group in self._groups(requests):
            try:
                scores = self._run([patches for _, patches in group])
            except _RUN_ERRORS as exc:
                error = pb_utils.TritonError(f"ONNX Runtime failed: {exc!r}")
                responses += [pb_utils.InferenceResponse(error=error) for _ in group]
                continue
            start = 0
            for request, patches in group:
                rows = slice(start, start + len(patches))
                start = rows.stop
                responses.append(self._response(request, {name: value[rows] for name, value in scores.items()}))
        return responses

    def _groups(self, requests: Sequence[Any]) -> Iterator[list[tuple[Any, NDArray[np.float32]]]]:
        """Split into stretches of requests that fit one run together; a larger request is a stretch of its own."""
        group: list[tuple[Any, NDArray[np.float32]]] = []
        n_patches = 0
        for request in requests:
            patches = pb_utils.get_input_tensor_by_name(request, self._input).as_numpy()
            if group and n_patches + len(patches) > self._patches_per_run:
                yield group
                group, n_patches = [], 0
            group.append((request, patches))
            n_patches += len(patches)
        if group:
            yield group

    def _run(self, inputs: list[NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Return every output for the patches of all inputs, in order.

        Runs are bounded: activations of one 48x48 patch take up to 372 kB, and a request may hold 65,536 of them.
        """
        patches = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
        step = self._patches_per_run
        runs = [
            self._session.run(self._outputs, {self._input: patches[start : start + step]})
            for start in range(0, len(patches), step)
        ]
        columns = runs[0] if len(runs) == 1 else [np.concatenate(parts) for parts in zip(*runs, strict=True)]
        return dict(zip(self._outputs, columns, strict=True))

    def _response(self, request: Any, scores: dict[str, NDArray[np.float32]]) -> Any:  # noqa: ANN401 - Triton's types
        wanted = request.requested_output_names()
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor(name, scores[name]) for name in self._outputs if name in wanted]
        )


def _providers(args: dict[str, str]) -> list[Any]:
    """Return ONNX Runtime's execution providers for this instance."""
    if args["model_instance_kind"] != "GPU":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise pb_utils.TritonModelException(
            "the instance is placed on a GPU, but this ONNX Runtime has no CUDA provider: install onnxruntime-gpu in "
            "Triton's environment, or start the servers without GPUs"
        )
    return [("CUDAExecutionProvider", {"device_id": int(args["model_instance_device_id"])}), "CPUExecutionProvider"]
