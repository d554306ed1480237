"""The model of the `patches` format inside Triton's Python backend; travels into the model repository as model.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]  # exists only inside Triton

from sonic.network import INPUT
from sonic.server.models.network_session import RUN_ERRORS, NetworkSession

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["TritonPythonModel"]


class TritonPythonModel:
    """One instance of the model; the name and the methods are Triton's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load model.onnx from beside this file, on the GPU where Triton placed the instance there."""
        self._network = NetworkSession(args)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer requests in their order; small ones share a run of the network, large ones take several."""
        responses: list[Any] = []
        for group in self._groups(requests):
            try:
                scores = self._run([patches for _, patches in group])
            except RUN_ERRORS as exc:
                error = pb_utils.TritonError(f"ONNX Runtime failed: {exc!r}")
                responses += [pb_utils.InferenceResponse(error=error) for _ in group]
                continue
            start = 0
            for request, patches in group:
                rows = slice(start, start + len(patches))
                start = rows.stop
                responses.append(self._network.response(request, [column[rows] for column in scores]))
        return responses

    def _groups(self, requests: Sequence[Any]) -> Iterator[list[tuple[Any, NDArray[np.float32]]]]:
        """Split into stretches of requests that fit one run together; a larger request is a stretch of its own."""
        group: list[tuple[Any, NDArray[np.float32]]] = []
        n_patches = 0
        for request in requests:
            patches = pb_utils.get_input_tensor_by_name(request, INPUT).as_numpy()
            if group and n_patches + len(patches) > self._network.patches_per_run:
                yield group
                group, n_patches = [], 0
            group.append((request, patches))
            n_patches += len(patches)
        if group:
            yield group

    def _run(self, inputs: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return every output for the patches of all inputs, in order, in runs of a bounded size."""
        patches = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
        step = self._network.patches_per_run
        runs = [self._network.run(patches[start : start + step]) for start in range(0, len(patches), step)]
        return runs[0] if len(runs) == 1 else [np.concatenate(parts) for parts in zip(*runs, strict=True)]
