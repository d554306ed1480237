"""`sonicgrid demo`: the main job itself, on this machine, from nothing to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.cli.life import submit
from jobs.cli.output import JsonOption, console
from jobs.cli.target import find_spec
from jobs.pool.down import pool_down
from jobs.pool.folders import pool_folder
from jobs.pool.status import condor_status
from jobs.pool.up import pool_up
from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.spec.paths import base_folder

__all__ = ["register"]

SPEC = "demo"
DATA = Path("results/demo-data")
"""Where the demo campaign's spec looks for its inputs, from the checkout."""

FILES = 8
EVENTS_PER_FILE = 10
SEED = 2301


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(demo)


def demo(
    keep_pool: Annotated[bool, typer.Option("--keep-pool", help="Leave the pool running afterwards.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a whole campaign on this machine: pool up, sample data, campaign, report, pool down.

    HTCondor, Triton and Envoy are real; the events are generated. Run again, it shows the finished campaign at once:
    nothing that succeeded runs twice. To begin anew, delete results/demo.
    """
    spec = find_spec(SPEC)
    was_up = condor_status(pool_folder()).up
    console.quiet = as_json
    try:
        console.rule("pool")
        pool_up(report=lambda line: console.print(line, markup=False))
        console.rule("sample data")
        _generate(base_folder(spec) / DATA)
        console.rule("campaign")
        console.print("watch it in a browser: `sonicgrid dashboard`, in another terminal")
        submit(str(spec), as_json=as_json)
        console.print("a ten-minute tour by hand: docs/tutorial/first-campaign.md")
    finally:
        if was_up or keep_pool:
            console.print("the pool is still up; stop it with `sonicgrid pool down`")
        else:
            pool_down()


def _generate(folder: Path) -> None:
    """Make the sample files that are not there yet."""
    columns = (TextColumn("generating events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=FILES * EVENTS_PER_FILE)
        for number in range(FILES):
            path = folder / f"protodune-like-{number:04d}.root"
            if not path.exists():
                generate_file(
                    path,
                    EVENTS_PER_FILE,
                    SEED,
                    GeneratorParameters(n_apas=1),
                    subrun=number,
                    on_event=lambda: bar.advance(task),
                )
    console.print(f"{FILES} files of {EVENTS_PER_FILE} events of one APA in {folder}", markup=False, soft_wrap=True)
