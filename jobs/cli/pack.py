"""`sonicgrid pack`: the environment of a job as one archive, for workers that share no file system with us."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from jobs.cli.output import JsonOption, console, emit_json
from jobs.pack.pack import pack as pack_environment

__all__ = ["register"]

_OUT = Path("sonicgrid-worker.tar.gz")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(pack)


def pack(
    out: Annotated[Path, typer.Option("--out", help="The archive; a site config names it.")] = _OUT,
    as_json: JsonOption = False,
) -> None:
    """Pack what a job needs into one archive: its interpreter, the payload, and the packages that this imports.

    A worker then needs nothing but tar, gzip, and a GNU C library that is new enough; the command says which.
    """
    archive = out.resolve()
    if as_json:
        done = pack_environment(archive, report=lambda _line: None)
        emit_json({"archive": str(done.archive), "bytes": done.bytes, **done.contents.model_dump()})
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("packing", total=None)
        done = pack_environment(
            archive,
            report=lambda line: bar.update(task, description=line),
            progress=lambda written, total: bar.update(task, completed=written, total=total),
        )
    contents = done.contents
    console.print(f"{done.archive}: {done.bytes / 1e6:.0f} MB, Python {contents.python}", markup=False, soft_wrap=True)
    line = (
        f"runs on {contents.machine} with the GNU C library {contents.oldest_glibc} or newer, without any Python there"
    )
    console.print(line, markup=False, soft_wrap=True)
