"""The model repository says what the network is and how it is run, for each wire format."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import text_format  # type: ignore[import-untyped]  # published without type information
from tritonclient.grpc import model_config_pb2

from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.patches import PATCHES
from sonic.server.models import DEMO_MODEL, PACKAGE, PATCHES_MODEL, TRAVELLING, VIEWS_MODEL
from sonic.server.repository import Serving, config_text, fingerprint, write_repository
from sonic.view_message import MESSAGE_INPUT
from sonic.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.message import Format

both_formats = pytest.mark.parametrize("format_", [PATCHES, VIEWS], ids=lambda format_: format_.name)


def parsed(format_: Format, serving: Serving) -> Any:  # noqa: ANN401  # a protobuf message, generated without types
    """Return a configuration as Triton's own parser reads it."""
    return text_format.Parse(config_text(format_, serving), model_config_pb2.ModelConfig())


def test_configuration_has_the_experiments_name_and_tensors() -> None:
    """Triton's own parser reads the configuration, and finds in it what the experiment serves."""
    config = parsed(PATCHES, Serving(intra_op_threads=3))

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


def test_configuration_of_views_takes_messages_of_any_length() -> None:
    """Messages differ in length and may be answered together; clients read from the parameters what they may ask."""
    config = parsed(VIEWS, Serving(messages_per_run=5))

    assert config.name == f"{MODEL_NAME}_views"
    assert config.max_batch_size == 5
    (message,) = config.input
    assert (message.name, list(message.dims)) == (MESSAGE_INPUT, [-1])
    assert message.data_type == model_config_pb2.TYPE_UINT8
    assert message.allow_ragged_batch
    assert [(tensor.name, list(tensor.dims)) for tensor in config.output] == [
        (EM_TRK_NONE_OUTPUT, [-1, 3]),
        (MICHEL_OUTPUT, [-1, 1]),
    ]
    assert config.parameters["message_version"].string_value == "1"
    assert config.parameters["most_patches"].string_value == "65536"


@both_formats
def test_serving_is_in_the_configuration(format_: Format) -> None:
    """The CPU unless GPUs are asked for, and the bounds of runs and queues, are the same for both models."""
    config = parsed(format_, Serving(patches_per_run=77, max_queue_requests=9))
    (group,) = config.instance_group
    assert group.kind == model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert config.parameters["patches_per_run"].string_value == "77"
    assert config.dynamic_batching.default_queue_policy.max_queue_size == 9
    assert "KIND_GPU" in config_text(format_, Serving(gpu=True))


def test_repository_is_complete_and_replaces_what_was_there(tmp_path: Path) -> None:
    """The folder has Triton's layout with our files, all that they import, and nothing of a former one."""
    folder = tmp_path / "models"
    (folder / "old_model").mkdir(parents=True)

    write_repository(folder, DEMO_MODEL, Serving())

    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    packages = {"sonic/__init__.py", "sonic/server/__init__.py", "sonic/server/models/__init__.py"}
    travelling = {f"sonic/{file.relative_to(PACKAGE)}" for file in TRAVELLING}
    for name, program in ((MODEL_NAME, PATCHES_MODEL), (f"{MODEL_NAME}_views", VIEWS_MODEL)):
        of_version = {f"{name}/1/{file}" for file in ("model.onnx", "model.py", *packages, *travelling)}
        assert {file for file in files if file.startswith(f"{name}/")} == {f"{name}/config.pbtxt", *of_version}
        assert files[f"{name}/1/model.onnx"].read_bytes() == DEMO_MODEL.read_bytes()
        assert files[f"{name}/1/model.py"].read_bytes() == program.read_bytes()
        assert {files[f"{name}/1/{file}"].read_bytes() for file in packages} == {b""}
    assert [path.name for path in folder.iterdir() if path.name == "old_model"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


@both_formats
def test_the_models_import_nothing_but_what_travels_with_them(tmp_path: Path, format_: Format) -> None:
    """On a machine without this project a model must find all of it beside itself, and not what lies elsewhere."""
    write_repository(tmp_path / "models", DEMO_MODEL, Serving())
    version = tmp_path / "models" / format_.model_name(MODEL_NAME) / "1"
    (tmp_path / "triton_python_backend_utils.py").write_text("")
    script = (
        "import sys; import model; "
        "ours = {name: module.__file__ for name, module in sys.modules.items() if name.partition('.')[0] == 'sonic'}; "
        "assert ours and all(file.startswith(sys.argv[1]) for file in ours.values()), ours"
    )
    path = os.pathsep.join([str(version), str(tmp_path)])
    subprocess.run(
        [sys.executable, "-P", "-c", script, str(version)],
        check=True,
        timeout=60,
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": path},
    )


def test_fingerprint_tells_models_and_settings_apart(tmp_path: Path) -> None:
    """Another network or another way to run it has another fingerprint, the same has the same."""
    other = tmp_path / "other.onnx"
    other.write_bytes(DEMO_MODEL.read_bytes() + b"\n")

    assert fingerprint(DEMO_MODEL, Serving()) == fingerprint(DEMO_MODEL, Serving())
    ways = [Serving(), Serving(2), Serving(messages_per_run=2), Serving(patches_per_run=2), Serving(gpu=True)]
    assert len({*(fingerprint(DEMO_MODEL, way) for way in ways), fingerprint(other, Serving())}) == 6


@pytest.mark.parametrize("file", [*TRAVELLING, PATCHES_MODEL, VIEWS_MODEL], ids=lambda file: file.name)
def test_fingerprint_changes_with_every_file_that_travels(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Running servers must be found out of date when any code of theirs has changed."""
    before = fingerprint(DEMO_MODEL, Serving())
    read_bytes = type(file).read_bytes
    monkeypatch.setattr(type(file), "read_bytes", lambda path: read_bytes(path) + b"\n" * (path == file))
    assert fingerprint(DEMO_MODEL, Serving()) != before
