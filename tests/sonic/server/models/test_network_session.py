"""The network as a model in Triton has it: ready before the first request, where Triton has placed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT
from sonic.server.repository import Serving
from tests.builders.client import FORMATS
from tests.builders.triton_backend import TritonError, load_model, model_args

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.wire_format import WireFormat


@pytest.mark.parametrize("wire_format", FORMATS)
def test_the_session_is_what_the_configuration_says(tmp_path: Path, wire_format: WireFormat) -> None:
    """Sizes, threads and outputs come from the configuration, so that a site can change them without code."""
    from sonic.server.models.network_session import NetworkSession, parameters_of

    args = model_args(tmp_path, Serving(intra_op_threads=3, patches_per_run=17), wire_format)
    session = NetworkSession(args)
    assert session.patches_per_run == 17
    assert session.outputs == [EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT]
    assert session._session.get_session_options().intra_op_num_threads == 3
    assert parameters_of(args)["patches_per_run"] == "17"
    scores = session.run(np.zeros((2, 48, 48, 1), np.float32))
    assert [array.shape for array in scores] == [(2, 3), (2, 1)]


def test_the_first_run_is_done_before_the_server_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's first request must not wait for the network's memory."""
    import onnxruntime

    runs = []

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]  # published without types
        """Counts its runs."""

        def run(
            self, outputs: list[str], inputs: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
        ) -> object:
            runs.append(inputs[INPUT].shape)
            return super().run(outputs, inputs)

    monkeypatch.setattr("onnxruntime.InferenceSession", Session)
    load_model(tmp_path, Serving(), "patches")
    assert runs == [(1, 48, 48, 1)]


@pytest.mark.parametrize("wire_format", FORMATS)
def test_gpu_without_its_provider_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wire_format: WireFormat
) -> None:
    """A model placed on a GPU does not quietly run on the CPU, ten times slower."""
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(TritonError, match="onnxruntime-gpu"):
        load_model(tmp_path, Serving(gpu=True), wire_format, kind="GPU")
