"""Files of events to run on: generated ones, and real frames turned into our schema."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from jobs.cli.output import JsonOption, console, emit_json, print_error
from jobs.errors import JobsError, UsageError
from jobs.reco.find_hits import HIT_THRESHOLD
from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.reco.import_frames import import_archive, output_name
from jobs.reco.planes import DETECTORS, Layout, parse_planes

if TYPE_CHECKING:
    from jobs.reco.import_frames import Imported
    from jobs.reco.write import Written

__all__ = ["register"]

_OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the ROOT files; made if missing.")]
_ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite ROOT files that exist.")]
_ThresholdOption = Annotated[
    float, typer.Option(min=1, help="Peaks above this many electrons per tick are hits.", show_default=True)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(generate)
    app.command(name="import-frames")(import_frames)


def generate(
    out: _OutOption,
    files: Annotated[int, typer.Option(min=1, help="Number of files.")] = 1,
    events: Annotated[int, typer.Option(min=1, help="Events per file.")] = 10,
    apas: Annotated[int, typer.Option(min=1, max=150, help="Anode plane assemblies per event; ProtoDUNE has 6.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same events.")] = 1,
    density: Annotated[
        float, typer.Option(min=0.01, max=20, help="Factor on the number of particles; 1 gives 9,200 hits per APA.")
    ] = 1.0,
    hit_threshold: _ThresholdOption = HIT_THRESHOLD,
    force: _ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Generate files of ProtoDUNE-like events, with truth: tracks, showers, Michel electrons and noise.

    File number N holds subrun N of run 1, so that every event of a folder has its own identity. An event of six
    APAs takes a third of a second and 7 MB.

    Example: sonicgrid generate --out data --files 20 --events 10 --apas 1
    """
    parameters = GeneratorParameters(n_apas=apas, density=density, hit_threshold=hit_threshold)
    paths = [out / f"generated_{seed}_{number:05d}.root" for number in range(files)]
    _refuse_existing(paths, force=force)
    written = []
    with _progress(as_json) as progress:
        task = progress.add_task("generating events", total=files * events)
        for number, path in enumerate(paths):
            written.append(
                generate_file(
                    path,
                    events,
                    seed,
                    parameters,
                    subrun=number,
                    force=force,
                    on_event=lambda: progress.advance(task),
                )
            )
    if as_json:
        emit_json({"seed": seed, "parameters": asdict(parameters), "files": [_document(file) for file in written]})
        return
    hits, size = sum(file.hits for file in written), sum(file.bytes for file in written)
    console.print(
        f"{files} files with {files * events} events, {hits:,} hits, {size / 1e6:,.1f} MB in {out}", markup=False
    )


def import_frames(
    archives: Annotated[
        list[Path], typer.Argument(metavar="ARCHIVE...", help="Wire-Cell archives: .tar.bz2, .npz ...")
    ],
    out: _OutOption,
    tag: Annotated[
        str | None,
        typer.Option(help="Frames to take where an archive has several tags; by default the one named gauss..."),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(help=f"Whose planes: {', '.join(DETECTORS)}. By default told from the number of channels."),
    ] = None,
    planes: Annotated[
        str | None,
        typer.Option(metavar="U,V,W", help="Channels per plane of one anode of another detector, such as 800,800,960."),
    ] = None,
    hit_threshold: _ThresholdOption = HIT_THRESHOLD,
    force: _ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn Wire-Cell frame archives into ROOT files, one per archive, and find the hits in them.

    Channel numbers, the length of the readout and masks of bad channels stay as they are. Every archive is
    checked whole before its file appears; one that cannot be imported is named, and the others are imported.

    Example: sonicgrid import-frames frames/*.tar.bz2 --out data
    """
    layout = _layout(detector, planes)
    outputs = [out / output_name(archive) for archive in archives]
    for output in outputs:
        if outputs.count(output) > 1:
            raise UsageError(f"two of the archives would both become {output}; import them into folders of their own")
    _refuse_existing(outputs, force=force)
    imported: list[tuple[Path, Imported]] = []
    failed: list[tuple[Path, JobsError]] = []
    with _progress(as_json) as progress:
        task = progress.add_task("", total=len(archives))
        for archive, output in zip(archives, outputs, strict=True):

            def show(step: str, archive: Path = archive) -> None:
                progress.update(task, description=escape(f"{archive.name}: {step}"))

            show("reading")
            try:
                result = import_archive(
                    archive, output, tag=tag, layout=layout, threshold=hit_threshold, force=force, on_step=show
                )
            except JobsError as error:
                failed.append((archive, error))
            else:
                imported.append((archive, result))
            progress.advance(task)
    if as_json:
        emit_json(
            {
                "files": [{"archive": str(archive), **_imported_document(result)} for archive, result in imported],
                "failed": [{"archive": str(archive), "error": str(reason)} for archive, reason in failed],
            }
        )
    elif imported:
        console.print(_table(imported))
        console.print(f"{len(imported)} of {len(archives)} archives imported to {out}", markup=False)
    if len(archives) == 1 and failed and not as_json:
        raise failed[0][1]
    if failed:
        if not as_json:
            for _, reason in failed:
                print_error(str(reason))
        raise typer.Exit(1)


def _refuse_existing(paths: list[Path], *, force: bool) -> None:
    existing = [path for path in paths if path.exists()]
    if existing and not force:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UsageError(f"{existing[0]}{more}: exists already; use --force to overwrite, or choose another folder")


def _layout(detector: str | None, planes: str | None) -> Layout | None:
    if planes is not None:
        if detector is not None:
            raise UsageError("--detector and --planes both say what the planes are; give one of them")
        return parse_planes(planes)
    if detector is None:
        return None
    if detector not in DETECTORS:
        raise UsageError(f"--detector {detector}: unknown; choose from {', '.join(DETECTORS)}, or give --planes")
    return DETECTORS[detector]


def _progress(as_json: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = console.is_terminal and not as_json
    return Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True, disable=not shown
    )


def _document(file: Written) -> dict[str, Any]:
    return {"path": str(file.path), "events": file.events, "hits": file.hits, "bytes": file.bytes}


def _imported_document(result: Imported) -> dict[str, Any]:
    fields = asdict(result)
    del fields["written"]
    return {**_document(result.written), **fields}


def _table(imported: list[tuple[Path, Imported]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("file", overflow="fold")
    table.add_column("tag")
    for head in ("events", "channels", "regions", "not zero", "hits", "bad", "MB"):
        table.add_column(head, justify="right")
    for _, result in imported:
        written = result.written
        table.add_row(
            escape(written.path.name),
            escape(result.tag),
            str(written.events),
            f"{result.channels:,}",
            f"{result.rois:,}",
            f"{result.nonzero_part:.1%}",
            f"{written.hits:,}",
            f"{result.bad_stretches:,}",
            f"{written.bytes / 1e6:.1f}",
        )
    return table
