"""The command `sonicgrid sites readmit`: a host or a site that was set aside gets jobs again, at once."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.apply import app
from jobs.cli.output import JsonOption, emit_json, tell
from jobs.cli.target import find_folder
from jobs.errors import UsageError
from jobs.layout import CampaignFolder
from jobs.running.lock import find_driver
from jobs.running.queue import open_queue
from jobs.throttle.readmit import ask_to_readmit
from jobs.throttle.state import read_state

__all__ = ["app", "readmit"]


@app.command()
def readmit(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The host or the site, as `status` names it.")],
    campaigns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CAMPAIGN]...", help="Campaigns; by default all that have jobs in the queue."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let jobs go again to a host or a site that was set aside because it failed whatever it got.

    It goes on the record, and what failed there before counts no more.

    Example: sonicgrid sites readmit worker7.example.org my-run.yaml
    """
    folders = [find_folder(one) for one in campaigns or []] or _in_queue()
    asides = {folder: [one.name for one in state.aside] for folder in folders if (state := read_state(folder))}
    mine = [folder for folder, names in asides.items() if name in names]
    if not mine:
        there = sorted({one for names in asides.values() for one in names})
        close = difflib.get_close_matches(name, there, n=1, cutoff=0.4)
        hint = f", did you mean {close[0]}?" if close else ""
        raise UsageError(f"{name} is not set aside{hint}; set aside are: {', '.join(there) or 'none'}")
    for folder in mine:
        ask_to_readmit(folder, name)
    if as_json:
        emit_json({"name": name, "folders": [str(folder.root) for folder in mine]})
        return
    for folder in mine:
        when = "within seconds" if find_driver(folder) else "as soon as `sonicgrid submit` goes on"
        tell(f"{folder.root.name}: jobs go to {name} again {when}")


def _in_queue() -> list[CampaignFolder]:
    return [CampaignFolder(Path(root)) for root in sorted({cluster.folder for cluster in open_queue().clusters()})]
