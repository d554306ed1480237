"""The application `sonicgrid`: every family of commands, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from jobs import __version__
from jobs.cli import act, data, demo, failures, life, models, pack, plan, pool, readmit
from jobs.cli.output import emit_json, print_error
from jobs.errors import JobsError
from sonic.errors import SonicError

__all__ = ["app", "main"]

app = typer.Typer(
    name="sonicgrid",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reprocess detector events: plan a campaign, run it on HTCondor, score its hits on a remote GPU pool.",
    epilog="Start with [bold]sonicgrid demo[/]. Exit codes: 0 done, 1 failed, 2 wrong use.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"sonicgrid {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""


for _family in (demo, plan, life, failures, act, data, pack, models):
    _family.register(app)
app.add_typer(pool.app, name="pool")
app.add_typer(readmit.app, name="sites")
for _entry in sorted(entry_points(group="sonicgrid.commands"), key=lambda entry: entry.name):
    app.command(_entry.name)(_entry.load())


def main() -> None:
    """Run `sonicgrid`; exit 0 when done, 1 when it failed, 2 when it was used wrongly."""
    try:
        app()
    except (JobsError, SonicError) as error:
        if "--json" in sys.argv:
            emit_json({"error": str(error), "kind": type(error).__name__})
        else:
            print_error(str(error))
        sys.exit(error.exit_code if isinstance(error, JobsError) else 1)
