"""The cpu flavour: the same network, run by ONNX Runtime in the job itself.

Nothing else imports this module, so that a job of the gpu flavour does not load ONNX Runtime.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from sonic.answers import Answer, ScoreSheet
from sonic.errors import BadAnswer, ModelUnusable
from sonic.hit_pixels import HitPixels
from sonic.network import EM_TRK_NONE_LABELS, EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, PATCH_PIXELS
from sonic.patches import PatchCutter, spans_of
from sonic.scores import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from sonic.scores import Scores
    from sonic.view import View

__all__ = ["LocalScorer"]

_RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    value
    for value in vars(onnxruntime_pybind11_state).values()
    if isinstance(value, type) and issubclass(value, Exception)
)
"""ONNX Runtime's errors have no common base of their own, so all that it defines are collected."""

_TENSORS = {
    INPUT: [PATCH_PIXELS, PATCH_PIXELS, 1],
    EM_TRK_NONE_OUTPUT: [len(EM_TRK_NONE_LABELS)],
    MICHEL_OUTPUT: [1],
}
_ERRORS_ONLY = 3


class LocalScorer:
    """Computes scores here; satisfies `sonic.scores.Scorer`.

    Args:
        model_file: The ONNX file.
        threads: Threads of the network; a slot of HTCondor has one core unless it says otherwise.
        batch_patches: Patches per call; the speed is flat from 64 to 256.

    Raises:
        ModelUnusable: the file is missing, is no ONNX file, or has other tensors than EmTrackMichelId.

    """

    def __init__(self, model_file: Path, *, threads: int = 1, batch_patches: int = 128) -> None:
        self._model_file = Path(model_file)
        self._batch_patches = batch_patches
        if not self._model_file.is_file():
            message = f"{model_file}: the model file of the cpu flavour is not there; check the campaign's network"
            raise ModelUnusable(message)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                str(self._model_file), options, providers=["CPUExecutionProvider"]
            )
        except _RUNTIME_ERRORS as error:
            message = f"{model_file}: ONNX Runtime cannot load it as a network: {error}"
            raise ModelUnusable(message) from error
        self._check_tensors()

    def _check_tensors(self) -> None:
        found = {
            tensor.name: (tensor.type, list(tensor.shape[1:]))
            for tensor in [*self._session.get_inputs(), *self._session.get_outputs()]
        }
        wanted = {name: ("tensor(float)", shape) for name, shape in _TENSORS.items()}
        if found != wanted:
            message = f"{self._model_file}: its tensors are {found}, those of EmTrackMichelId are {wanted}"
            raise ModelUnusable(message)

    @property
    def endpoint(self) -> str:
        """Empty: nobody is asked."""
        return ""

    def score(self, views: Sequence[View]) -> list[Scores]:
        """Return the scores of every view, in the views' order.

        Raises:
            ModelUnusable: the network fails on its input or gives something that cannot be scores.

        """
        pixels = HitPixels(views)
        cutter, sheet = PatchCutter(pixels), ScoreSheet(pixels.n_patches)
        for span in spans_of(pixels.n_patches, self._batch_patches):
            answer = self._infer(cutter.patches(span))
            try:
                sheet.fill(span, answer, str(self._model_file))
            except BadAnswer as error:
                raise ModelUnusable(str(error)) from error
        return sheet.scores_of_hits(pixels)

    def _infer(self, patches: NDArray[np.float32]) -> Answer:
        try:
            em_trk_none, michel = self._session.run([EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT], {INPUT: patches})
        except _RUNTIME_ERRORS as error:
            message = f"{self._model_file}: ONNX Runtime fails on a batch of {len(patches)} patches: {error}"
            raise ModelUnusable(message) from error
        return Answer(em_trk_none, michel)

    def traffic(self) -> Traffic:
        """Return zeros: nothing leaves the worker."""
        return Traffic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close: ONNX Runtime frees its memory with the object."""
