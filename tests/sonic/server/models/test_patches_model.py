"""The model of the `patches` format inside Triton, with a stand-in for Triton's half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT
from sonic.server.models import DEMO_MODEL
from sonic.server.models.quality import run_model
from sonic.server.repository import Serving
from tests.builders.triton_backend import Request, load_model, watch_runs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def some_patches(n: int) -> NDArray[np.float32]:
    """Return patches of noise."""
    return np.random.default_rng(n).uniform(-5, 15, (n, 48, 48, 1)).astype(np.float32)


def test_small_requests_share_a_run_and_large_ones_take_several(tmp_path: Path) -> None:
    """Whatever the mix of sizes, no run is larger than allowed and every request gets its own scores."""
    model = load_model(tmp_path, Serving(patches_per_run=32), "patches")
    sizes = watch_runs(model)
    requests = [Request(some_patches(n)) for n in (3, 5, 20, 10, 100, 32, 1, 1)]

    responses = model.execute(requests)

    assert sizes == [28, 10, 32, 32, 32, 4, 32, 2]
    for request, response in zip(requests, responses, strict=True):
        scores, michel = run_model(DEMO_MODEL, request.tensor)
        np.testing.assert_allclose(response.array(EM_TRK_NONE_OUTPUT), scores, atol=1e-5)
        np.testing.assert_allclose(response.array(MICHEL_OUTPUT)[:, 0], michel, atol=1e-5)


def test_failed_run_concerns_its_requests_only(tmp_path: Path) -> None:
    """When one run fails, as on a full GPU, its requests get the error and those of other runs their scores."""
    model = load_model(tmp_path, Serving(patches_per_run=8), "patches")

    def fail(n_patches: int) -> None:
        if n_patches == 7:
            raise ort_state.RuntimeException("out of memory")

    watch_runs(model, fail)

    responses = model.execute([Request(some_patches(n)) for n in (8, 3, 4, 8)])

    assert [response.error is None for response in responses] == [True, False, False, True]
    assert "out of memory" in str(responses[1].error)


def test_only_the_outputs_asked_for_are_sent(tmp_path: Path) -> None:
    """A request for one output is answered with that output alone."""
    model = load_model(tmp_path, Serving(), "patches")

    (response,) = model.execute([Request(some_patches(2), (MICHEL_OUTPUT,))])

    assert [tensor.name for tensor in response.tensors] == [MICHEL_OUTPUT]
