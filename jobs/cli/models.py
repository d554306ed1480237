"""`sonicgrid models`: the model repository as a folder, for a Triton that is not the embedded pool's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.output import JsonOption, console, emit_json
from jobs.errors import UsageError
from sonic.errors import SetupFailed
from sonic.network import MODEL_NAME, MODEL_VERSION
from sonic.patches import PATCHES
from sonic.server.models import DEMO_MODEL
from sonic.server.pool import CPU_PATCHES_PER_RUN, GPU_PATCHES_PER_RUN
from sonic.server.repository import Serving, write_repository
from sonic.views import VIEWS

__all__ = ["register"]

_MODELS = {format_.model_name(MODEL_NAME): format_.name for format_ in (PATCHES, VIEWS)}
"""Wire format by name of the model that takes it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(models)


def models(
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Becomes the model repository; made if missing.")
    ],
    model: Annotated[
        Path,
        typer.Option(
            "--model",
            metavar="FILE.onnx",
            exists=True,
            dir_okay=False,
            help="The network, with the tensors of EmTrackMichelId. Default: the demo's.",
            show_default=False,
        ),
    ] = DEMO_MODEL,
    gpu: Annotated[bool, typer.Option("--gpu", help="One instance on every GPU, instead of one on the CPU.")] = False,
    threads: Annotated[
        int, typer.Option(min=1, help="Cores that one server has for a run of the network on the CPU.")
    ] = 1,
    patches_per_run: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Most patches in one run of the network, which bounds the memory. "
            f"Default: {CPU_PATCHES_PER_RUN}, which fit a core's cache; with --gpu {GPU_PATCHES_PER_RUN}.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write a model repository that is there anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a model repository, from which any Triton with a Python backend serves both wire formats.

    Triton's Python needs numpy, onnxruntime (onnxruntime-gpu with --gpu) and zstandard. What serves them already
    reads the folder again only when it is told to, or starts anew.

    Example: sonicgrid models --out /srv/models --model mine.onnx --gpu
    """
    _refuse_what_is_there(out, force=force)
    _check_network(model)
    serving = Serving(
        intra_op_threads=threads,
        gpu=gpu,
        patches_per_run=patches_per_run or (GPU_PATCHES_PER_RUN if gpu else CPU_PATCHES_PER_RUN),
    )
    folder = out.resolve()
    try:
        write_repository(folder, model, serving)
    except OSError as error:
        message = f"{folder}: the model repository cannot be written: {error.strerror or error}"
        raise SetupFailed(f"{message}; free some space, correct the permissions, or choose another --out") from error
    if as_json:
        emit_json(
            {
                "folder": str(folder),
                "network": str(model),
                "models": [
                    {"name": name, "version": MODEL_VERSION, "wire_format": format_}
                    for name, format_ in _MODELS.items()
                ],
                "gpu": gpu,
                "threads": threads,
                "patches_per_run": serving.patches_per_run,
            }
        )
        return
    for name, format_ in _MODELS.items():
        console.print(f"{folder / name}: takes {format_}", markup=False, soft_wrap=True)
    console.print(f"serve them with: tritonserver --model-repository={folder}", markup=False, soft_wrap=True)


def _refuse_what_is_there(folder: Path, *, force: bool) -> None:
    """Refuse a folder with anything else in it: writing the repository replaces the whole folder."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"--out {folder}: is a file; choose a folder")
    names = {path.name for path in folder.iterdir()}
    if others := sorted(names - set(_MODELS)):
        message = f"--out {folder}: holds {others[0]}, which is none of our models, and would be lost"
        raise UsageError(f"{message}; choose a folder of its own and move the models from there")
    if names and not force:
        raise UsageError(f"--out {folder}: holds a model repository already; use --force to write it anew")


def _check_network(model: Path) -> None:
    """Refuse a file that Triton would only refuse when it loads the models.

    Raises:
        ModelUnusable: it is no ONNX file, or has other tensors than EmTrackMichelId.

    """
    from sonic.local import LocalScorer  # ONNX Runtime takes a while to load, and other commands do not need it

    LocalScorer(model)
