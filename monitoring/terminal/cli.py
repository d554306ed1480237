"""The command `sonicgrid status`, which joins the command line by the entry point group "sonicgrid.commands"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.output import JsonOption, tell
from jobs.cli.standing import show_standing
from jobs.cli.target import CampaignArgument, find_folder
from jobs.errors import UsageError
from jobs.results.validate import read_validation
from jobs.results.verdict import state_verdict

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder

__all__ = ["status"]

EVERY_S = 2.0


def status(
    campaign: CampaignArgument,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on showing it until the campaign ends, or Ctrl-C or q.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.2, help="With --watch, shortest time between two pictures, seconds.")
    ] = EVERY_S,
    as_json: JsonOption = False,
) -> None:
    """Show where a campaign stands.

    With --watch it ends with the campaign: exit code 0 if it is complete, 1 if it is not, 130 after Ctrl-C.

    Example: sonicgrid status demo --watch
    """
    if not watch:
        show_standing(campaign, as_json=as_json)
        return
    if as_json:
        message = "--watch shows a picture and --json is for programs: leave one of them out"
        raise UsageError(message)
    # They load numpy, for which no other command should wait.
    from monitoring.pages.campaign import campaign as recipe_of
    from monitoring.terminal.watch import watch as watch_campaign

    folder = find_folder(campaign)
    code = watch_campaign(folder, recipe_of, every)
    if code in (0, 1):
        _tell_end(folder)
    raise typer.Exit(code)


def _tell_end(folder: CampaignFolder) -> None:
    if folder.validation.exists():
        tell(state_verdict(read_validation(folder)))
    if folder.report.exists():
        tell(f"report: {folder.report}")
