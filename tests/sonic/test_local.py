"""The cpu flavour: right scores from a good model file, one clear error from a bad one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sonic.errors import ModelUnusable
from sonic.local import LocalScorer
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT
from sonic.server.models import DEMO_MODEL
from sonic.view import View

CHECKOUT = Path(__file__).resolve().parents[2]


def a_view(n_hits: int, seed: int = 0) -> View:
    """Return a view of noise."""
    rng = np.random.default_rng(seed)
    return View(
        rng.normal(scale=0.3, size=(80, 90)).astype(np.float32),
        rng.integers(0, 80, n_hits, dtype=np.int32),
        rng.integers(0, 90, n_hits, dtype=np.int32),
    )


def write_network(
    path: Path, *, michel: str = MICHEL_OUTPUT, classes: int = 3, dtype: int = TensorProto.FLOAT, value: float = 0.5
) -> Path:
    """Write a network that gives the same numbers for every patch."""
    nodes = [
        helper.make_node("ReduceMean", [INPUT, "axes"], ["mean"], keepdims=1),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "row"], [EM_TRK_NONE_OUTPUT]),
        helper.make_node("Add", ["zeros", "one"], [michel]),
    ]
    floats = np.float32 if dtype == TensorProto.FLOAT else np.float64
    constants = {
        "axes": np.array([1, 2, 3], np.int64),
        "shape": np.array([-1, 1], np.int64),
        "zero": np.array([0], floats),
        "row": np.full((1, classes), value, floats),
        "one": np.full((1, 1), value, floats),
    }
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info(INPUT, dtype, ["n", 48, 48, 1])],
        [
            helper.make_tensor_value_info(EM_TRK_NONE_OUTPUT, dtype, ["n", classes]),
            helper.make_tensor_value_info(michel, dtype, ["n", 1]),
        ],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


def test_every_hit_gets_its_scores_whatever_the_batch() -> None:
    """Scores must be probabilities, and the same for batches of 7 and of 128."""
    views = [a_view(20, 1), a_view(0, 2), a_view(33, 3)]
    with LocalScorer(DEMO_MODEL) as scorer, LocalScorer(DEMO_MODEL, batch_patches=7) as small:
        scores, again = scorer.score(views), small.score(views)
        assert scorer.endpoint == ""
        assert scorer.traffic().requests == 0
    for view, one, other in zip(views, scores, again, strict=True):
        assert one.em_trk_none.shape == (view.n_hits, 3)
        assert one.michel.shape == (view.n_hits,)
        assert np.allclose(one.em_trk_none.sum(axis=1), 1, atol=1e-5)
        assert np.allclose(one.em_trk_none, other.em_trk_none, atol=1e-6)
        assert np.allclose(one.michel, other.michel, atol=1e-6)


def test_no_views_give_no_scores() -> None:
    """An event without hits must not reach the network."""
    assert LocalScorer(DEMO_MODEL).score([]) == []


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    """The error must name the file that is not there."""
    with pytest.raises(ModelUnusable, match=r"nowhere\.onnx"):
        LocalScorer(tmp_path / "nowhere.onnx")


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    """A damaged model file must be ModelUnusable with its name, not an error of ONNX Runtime."""
    (tmp_path / "damaged.onnx").write_bytes(DEMO_MODEL.read_bytes()[:1000])
    with pytest.raises(ModelUnusable, match=r"damaged\.onnx"):
        LocalScorer(tmp_path / "damaged.onnx")


def test_a_network_with_other_tensors_is_refused(tmp_path: Path) -> None:
    """Another output's name, another number of classes or another type must be refused before the first event."""
    LocalScorer(write_network(tmp_path / "good.onnx"))
    for number, wrong in enumerate([{"michel": "michel"}, {"classes": 4}, {"dtype": TensorProto.DOUBLE}]):
        path = tmp_path / f"wrong{number}.onnx"
        write_network(path, **wrong)  # type: ignore[arg-type]  # keywords of different types in one table
        with pytest.raises(ModelUnusable, match="its tensors are"):
            LocalScorer(path)


def test_a_network_that_gives_nan_is_unusable(tmp_path: Path) -> None:
    """Scores that are NaN must never be handed on."""
    scorer = LocalScorer(write_network(tmp_path / "nan.onnx", value=float("nan")))
    with pytest.raises(ModelUnusable, match="NaN"):
        scorer.score([a_view(3)])


def test_onnx_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """ONNX Runtime must neither leave an identifier in the home folder nor speak of telemetry: thousands of jobs."""
    script = "import sys; from pathlib import Path; from sonic.local import LocalScorer; LocalScorer(Path(sys.argv[1]))"
    for home in ({"HOME": str(tmp_path)}, {}):
        done = subprocess.run(
            [sys.executable, "-c", script, str(DEMO_MODEL)],
            env={"PATH": os.defpath, **home},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
