"""The model of the `views` format inside Triton's Python backend; travels into the model repository as model.py.

It unpacks each message, cuts its patches, and runs the same network as the plain model on them. Patches exist only as
many at a time as one run takes, and patches of several messages share a run, which gives the same scores: ONNX
Runtime's do not depend on what else is in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]  # exists only inside Triton

from sonic.errors import MessageDamaged, MessageInvalid
from sonic.network import PATCH_PIXELS
from sonic.server.models.network_session import RUN_ERRORS, NetworkSession, parameters_of
from sonic.strip_patches import StripPatches
from sonic.view_message import MESSAGE_INPUT, PATCHES_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["TritonPythonModel"]


@dataclass(eq=False)
class _Asked:
    """One request and what has become of it."""

    request: Any
    parts: list[list[NDArray[np.float32]]] = field(default_factory=list)
    """Outputs of each stretch of its patches, in order."""
    error: Any = None


@dataclass(frozen=True)
class _Stretch:
    """Patches of one request within a run."""

    asked: _Asked
    rows: slice


class TritonPythonModel:
    """One instance of the model; the name and the methods are Triton's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load model.onnx from beside this file, on the GPU where Triton placed the instance there."""
        self._network = NetworkSession(args)
        self._most_patches = int(parameters_of(args)[PATCHES_PARAMETER])
        self._run = np.empty((self._network.patches_per_run, PATCH_PIXELS, PATCH_PIXELS, 1), np.float32)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer requests in their order."""
        asked = [_Asked(request) for request in requests]
        for stretches, patches in self._runs(asked):
            try:
                scores = self._network.run(patches)
            except RUN_ERRORS as exc:
                for stretch in stretches:
                    stretch.asked.error = pb_utils.TritonError(f"ONNX Runtime failed: {exc!r}")
                continue
            for stretch in stretches:
                stretch.asked.parts.append([column[stretch.rows] for column in scores])
        return [self._response(one) for one in asked]

    def _runs(self, asked: Sequence[_Asked]) -> Iterator[tuple[list[_Stretch], NDArray[np.float32]]]:
        """Yield the patches of all messages, as many at a time as one run takes; they are overwritten by the next."""
        stretches: list[_Stretch] = []
        filled = 0
        for one in asked:
            strip = self._opened(one)
            done = 0
            while strip is not None and done < len(strip):
                size = min(len(strip) - done, len(self._run) - filled)
                if size == len(self._run):
                    yield [_Stretch(one, slice(0, size))], strip.cut(done, done + size)
                    done += size
                    continue
                self._run[filled : filled + size] = strip.cut(done, done + size)
                stretches.append(_Stretch(one, slice(filled, filled + size)))
                done, filled = done + size, filled + size
                if filled == len(self._run):
                    yield stretches, self._run
                    stretches, filled = [], 0
        if stretches:
            yield stretches, self._run[:filled]

    def _opened(self, asked: _Asked) -> StripPatches | None:
        """Return the patches of a message, or None for one that is no good, which only its sender is told."""
        message = pb_utils.get_input_tensor_by_name(asked.request, MESSAGE_INPUT).as_numpy()
        try:
            if len(message) != 1:
                raise MessageInvalid(f"a request holds one message, not a batch of {len(message)}")
            return StripPatches(message, most_patches=self._most_patches)
        except MessageInvalid as exc:
            asked.error = pb_utils.TritonError(f"not a message of a view: {exc}", pb_utils.TritonError.INVALID_ARG)
        except (MessageDamaged, MemoryError) as exc:
            # Not the sender's fault: another try helps.
            asked.error = pb_utils.TritonError(f"{type(exc).__name__}: {exc}", pb_utils.TritonError.UNAVAILABLE)
        return None

    def _response(self, asked: _Asked) -> Any:  # noqa: ANN401  # Triton's own types
        if asked.error is not None:
            return pb_utils.InferenceResponse(error=asked.error)
        columns = [np.concatenate(parts) for parts in zip(*asked.parts, strict=True)]
        return self._network.response(asked.request, [column[np.newaxis] for column in columns])
