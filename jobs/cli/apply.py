"""`sonicgrid sites apply`: an edited site config, in force for running campaigns within seconds."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli.output import JsonOption, console, emit_json, print_error
from jobs.cli.sites import app
from jobs.cli.target import SitesFolderOption, find_folder
from jobs.cli.throttle import throttle_table
from jobs.errors import CampaignError, ConfigError, UsageError
from jobs.spec.site import find_sites_folder
from jobs.throttle.apply import Applied, apply_sites, await_look, running_campaigns

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.throttle.state import ThrottleState

__all__ = ["app", "apply"]

WATCH_S = 2.0
"""How often `--watch` looks at the files."""

PATIENCE_S = 30.0
"""An edit is in force within this time, or the command says that it is not."""


@app.command()
def apply(
    campaigns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CAMPAIGN]...",
            help="Campaigns; by default all that have jobs in the queue and run by this folder.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and apply again whenever a file of the folder is saved.")
    ] = False,
    sites_folder: SitesFolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the site configs into force for running campaigns, now.

    Where a limit went up, more jobs start. Where it went down, no job is killed: none starts until the link is inside
    its budget, and those that run send less within seconds. If one config has a problem nothing changes anywhere.
    Every change goes into the campaign's site-edits.jsonl: who, when, from, to.

    Example: sonicgrid sites apply
    """
    if watch and as_json:
        raise UsageError("--watch goes on for ever, and --json prints one document; choose one of them")
    folder = find_sites_folder(sites_folder).resolve()
    if not watch:
        _apply_once(folder, campaigns or [], as_json=as_json)
        return
    console.print(f"watching {folder}; Ctrl-C ends it", markup=False, soft_wrap=True)
    stamps: dict[str, int] = {}
    while True:
        now = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.yaml")}
        if now != stamps:
            stamps = now
            try:
                _apply_once(folder, campaigns or [], as_json=False)
            except (ConfigError, CampaignError) as error:
                print_error(f"{error}\nwhat was in force stays so")
        time.sleep(WATCH_S)


def _apply_once(sites_folder: Path, campaigns: list[str], *, as_json: bool) -> None:
    folders = [_planned(find_folder(name)) for name in campaigns] or running_campaigns(sites_folder)
    began = time.time()
    done = apply_sites(folders, sites_folder, (lambda _: None) if as_json else console.print)
    states = {one.folder.root: await_look(one.folder, began, PATIENCE_S) for one in done if one.edits}
    if as_json:
        emit_json({"sites_folder": str(sites_folder), "campaigns": [_document(one, states) for one in done]})
        return
    if not folders:
        line = f"no campaign in the queue runs by {sites_folder}; `sonicgrid submit` starts with what the files say"
        console.print(line, markup=False, soft_wrap=True)
    for one in done:
        _show(one, states.get(one.folder.root))


def _planned(folder: CampaignFolder) -> CampaignFolder:
    if not folder.manifest.exists():
        message = f"{folder.root}: the campaign is not planned yet; it starts with what the files say"
        raise UsageError(message)
    return folder


def _document(one: Applied, states: dict[Path, ThrottleState]) -> dict[str, Any]:
    state = states.get(one.folder.root)
    return {
        "folder": str(one.folder.root),
        "edits": [{**asdict(edit), "later": edit.later} for edit in one.edits],
        "throttle_at_work": one.kept,
        "sites": state.model_dump(mode="json")["sites"] if state else {},
    }


def _show(one: Applied, state: ThrottleState | None) -> None:
    name = one.folder.root.name
    if state is None:
        console.print(f"{name}: in force already", markup=False)
        return
    for edit in one.edits:
        console.print(f"{name}: {edit}", markup=False, soft_wrap=True)
    console.print(throttle_table(state, title=f"{name} from now on"))
    if not one.kept:
        console.print(f"no driver is at work: these limits stay until `sonicgrid submit {name}`", markup=False)
