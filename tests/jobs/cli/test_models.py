"""`sonicgrid models` writes what Triton needs, and nothing over what is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from google.protobuf import text_format  # type: ignore[import-untyped]  # published without type information
from tritonclient.grpc import model_config_pb2
from typer.testing import CliRunner

from jobs.cli import models
from jobs.errors import JobsError, UsageError
from sonic.errors import ModelUnusable, SetupFailed, SonicError
from sonic.server.models import DEMO_MODEL
from sonic.server.repository import Serving, write_repository

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["cnn_emtrkmichel_1", "cnn_emtrkmichel_1_views"]


def _run(*arguments: object) -> str:
    """Run the command; returns what it printed, raises what it raised."""
    app = typer.Typer()
    models.register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, JobsError | SonicError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def _config(folder: Path, name: str) -> Any:  # noqa: ANN401  # a protobuf message, generated without types
    return text_format.Parse((folder / name / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_the_repository_of_the_embedded_pool(tmp_path: Path) -> None:
    """What is written is what the embedded pool serves, file by file; people are told the models."""
    said = _run("--out", tmp_path / "new" / "models")
    write_repository(tmp_path / "pool", DEMO_MODEL, Serving())

    assert _files(tmp_path / "new" / "models") == _files(tmp_path / "pool")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["models"]
    assert f"{NAMES[1]}: takes views" in said


def test_the_options_reach_the_configuration(tmp_path: Path) -> None:
    """Network, GPUs, threads and the size of a run are what was asked for, in both models and in the document."""
    network = tmp_path / "mine.onnx"
    network.write_bytes(DEMO_MODEL.read_bytes())
    out = tmp_path / "models"

    options = ("--model", network, "--gpu", "--threads", 3, "--patches-per-run", 512)
    document = json.loads(_run("--out", out, *options, "--json"))

    assert document["folder"] == str(out)
    assert [(model["name"], model["wire_format"]) for model in document["models"]] == list(
        zip(NAMES, ("patches", "views"), strict=True)
    )
    assert (document["gpu"], document["threads"], document["patches_per_run"]) == (True, 3, 512)
    for name in NAMES:
        config = _config(out, name)
        assert [group.kind for group in config.instance_group] == [model_config_pb2.ModelInstanceGroup.KIND_GPU]
        assert config.parameters["intra_op_threads"].string_value == "3"
        assert config.parameters["patches_per_run"].string_value == "512"
        assert (out / name / "1" / "model.onnx").read_bytes() == network.read_bytes()


@pytest.mark.parametrize(("options", "patches"), [((), "256"), (("--gpu",), "4096")])
def test_a_run_is_larger_on_a_gpu(options: tuple[str, ...], patches: str, tmp_path: Path) -> None:
    """Unless told, a run of the network has as many patches as suit what it runs on."""
    _run("--out", tmp_path, *options)
    assert _config(tmp_path, NAMES[0]).parameters["patches_per_run"].string_value == patches


def test_what_is_there_is_replaced_with_force_only(tmp_path: Path) -> None:
    """A repository stays as it is unless it is forced, and then is new."""
    _run("--out", tmp_path)
    before = _files(tmp_path)

    with pytest.raises(UsageError, match="holds a model repository already; use --force"):
        _run("--out", tmp_path, "--threads", 2)
    assert _files(tmp_path) == before

    _run("--out", tmp_path, "--threads", 2, "--force")
    assert _config(tmp_path, NAMES[0]).parameters["intra_op_threads"].string_value == "2"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_nothing_of_others_is_lost(force: tuple[str, ...], tmp_path: Path) -> None:
    """A folder with anything else in it is refused and keeps it, forced or not."""
    (tmp_path / "other_model").mkdir()
    with pytest.raises(UsageError, match="holds other_model, which is none of our models, and would be lost"):
        _run("--out", tmp_path, *force)
    assert [path.name for path in tmp_path.iterdir()] == ["other_model"]


def test_a_file_that_is_no_network_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Triton would find out only when it loads the model."""
    (tmp_path / "bad.onnx").write_text("no network")
    with pytest.raises(ModelUnusable, match=r"bad\.onnx: ONNX Runtime cannot load it"):
        _run("--out", tmp_path / "models", "--model", tmp_path / "bad.onnx")
    assert not (tmp_path / "models").exists()


def test_a_place_that_takes_no_folder_is_an_error(tmp_path: Path) -> None:
    """The message says where, and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file; choose a folder"):
        _run("--out", tmp_path / "file")
    with pytest.raises(SetupFailed, match=r"file/models: the model repository cannot be written: .*another --out"):
        _run("--out", tmp_path / "file" / "models")
