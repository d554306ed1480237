"""The model repository says what the network is and how it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import text_format  # type: ignore[import-untyped]  # published without type information
from tritonclient.grpc import model_config_pb2

from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.server.models import BACKEND, DEMO_MODEL
from sonic.server.repository import Serving, config_text, fingerprint, write_repository

if TYPE_CHECKING:
    from pathlib import Path


def test_configuration_has_the_experiments_name_and_tensors() -> None:
    """Triton's own parser reads the configuration, and finds in it what the experiment serves."""
    config = text_format.Parse(config_text(Serving(intra_op_threads=3)), model_config_pb2.ModelConfig())

    assert config.name == MODEL_NAME == "cnn_emtrkmichel_1"
    assert config.max_batch_size == 65536
    assert [(tensor.name, list(tensor.dims)) for tensor in config.input] == [(INPUT, [48, 48, 1])]
    assert [(tensor.name, list(tensor.dims)) for tensor in config.output] == [
        (EM_TRK_NONE_OUTPUT, [3]),
        (MICHEL_OUTPUT, [1]),
    ]
    assert {tensor.data_type for tensor in (*config.input, *config.output)} == {model_config_pb2.TYPE_FP32}
    assert config.HasField("dynamic_batching")
    assert config.parameters["intra_op_threads"].string_value == "3"


def test_instances_are_placed_where_they_are_wanted() -> None:
    """The model runs on the CPU unless GPUs are asked for."""
    assert "KIND_CPU" in config_text(Serving())
    assert "KIND_GPU" in config_text(Serving(gpu=True))


def test_repository_is_complete_and_replaces_what_was_there(tmp_path: Path) -> None:
    """The folder has Triton's layout with our files, and nothing of a former one."""
    folder = tmp_path / "models"
    (folder / "old_model").mkdir(parents=True)

    write_repository(folder, DEMO_MODEL, Serving())

    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) == {f"{MODEL_NAME}/config.pbtxt", f"{MODEL_NAME}/1/model.onnx", f"{MODEL_NAME}/1/model.py"}
    assert files[f"{MODEL_NAME}/1/model.onnx"].read_bytes() == DEMO_MODEL.read_bytes()
    assert files[f"{MODEL_NAME}/1/model.py"].read_bytes() == BACKEND.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_fingerprint_tells_models_and_settings_apart(tmp_path: Path) -> None:
    """Another network or another way to run it has another fingerprint, the same has the same."""
    other = tmp_path / "other.onnx"
    other.write_bytes(DEMO_MODEL.read_bytes() + b"\n")

    assert fingerprint(DEMO_MODEL, Serving()) == fingerprint(DEMO_MODEL, Serving())
    assert len({fingerprint(DEMO_MODEL, Serving()), fingerprint(other, Serving()), fingerprint(other, Serving(2))}) == 3
