"""The ONNX graphs compute what their architectures say."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, PATCH_PIXELS
from sonic.server.models.build_paper import PAPER_PARAMETERS, build_paper
from sonic.server.models.graph import DEMO, Architecture, Convolution, build_graph, count_parameters, random_weights
from sonic.server.models.quality import run_model

TINY = Architecture("tiny", (Convolution(2, 5, 4),), (3,))


def test_graph_computes_what_its_layers_say() -> None:
    """Convolution, ReLU, dense, softmax and sigmoid agree with the same written out in numpy."""
    weights = {name: value + np.float32(0.1) for name, value in random_weights(TINY, 7).items()}
    patches = np.random.default_rng(8).uniform(-5, 15, (4, PATCH_PIXELS, PATCH_PIXELS, 1)).astype(np.float32)
    session = onnxruntime.InferenceSession(
        build_graph(TINY, weights).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    em_trk_none, michel = session.run([EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT], {INPUT: patches})

    windows = np.lib.stride_tricks.sliding_window_view(patches[..., 0], (5, 5), axis=(1, 2))[:, ::4, ::4]
    image = np.einsum("nyxij,fij->nfyx", windows, weights["conv1_weight"][:, 0])
    image += weights["conv1_bias"][:, None, None]
    hidden = np.maximum(image, 0).reshape(4, -1) @ weights["dense1_weight"] + weights["dense1_bias"]
    hidden = np.maximum(hidden, 0)
    logits = hidden @ weights["em_trk_none_weight"] + weights["em_trk_none_bias"]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(em_trk_none, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(
        michel, 1 / (1 + np.exp(-(hidden @ weights["michel_weight"] + weights["michel_bias"]))), atol=1e-5
    )


@pytest.mark.parametrize("spoil", ["missing", "superfluous", "shape"])
def test_weights_of_another_network_are_refused(spoil: str) -> None:
    """A missing, a superfluous and a wrongly shaped weight each raise instead of giving a wrong graph."""
    weights = random_weights(TINY, 1)
    if spoil == "missing":
        del weights["michel_bias"]
    elif spoil == "superfluous":
        weights["dense2_bias"] = np.zeros(3, np.float32)
    else:
        weights["dense1_bias"] = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="do not fit tiny"):
        build_graph(TINY, weights)


def test_paper_network_has_the_papers_size(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The file for benchmarks holds 11,900,420 weights and gives scores for 48x48 patches."""
    file = build_paper(tmp_path_factory.mktemp("paper") / "new")
    assert 4 * PAPER_PARAMETERS < file.stat().st_size < 4 * PAPER_PARAMETERS + 10_000
    scores, michel = run_model(file, np.ones((2, PATCH_PIXELS, PATCH_PIXELS, 1), np.float32))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert michel.shape == (2,)
    file.unlink()


def test_same_seed_gives_the_same_weights() -> None:
    """Random weights depend on the seed and on nothing else."""
    first, again, other = random_weights(DEMO, 3), random_weights(DEMO, 3), random_weights(DEMO, 4)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["conv1_weight"], other["conv1_weight"])
    assert count_parameters(build_graph(DEMO, first)) == sum(value.size for value in first.values())
