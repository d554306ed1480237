"""The life of a campaign: submit, status, cancel."""

from __future__ import annotations

import signal
import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from jobs.cli.live import follow_driver
from jobs.cli.output import JsonOption, console, emit_json
from jobs.cli.target import CampaignArgument, SitesFolderOption, find_folder, find_spec
from jobs.cli.throttle import throttle_table
from jobs.errors import CampaignError, PoolError
from jobs.layout import CampaignFolder
from jobs.planning.inputs import find_inputs
from jobs.planning.mend import mend_plan
from jobs.pool.slots import slot_ads
from jobs.results.validate import read_validation
from jobs.results.verdict import state_verdict
from jobs.running.detach import submit_driver
from jobs.running.driver import last_error, show_dag, start_driver, stop_driver
from jobs.running.lock import find_driver, last_status
from jobs.running.mend import mend_results
from jobs.running.progress import CampaignFollower, Progress
from jobs.running.queue import open_queue
from jobs.running.reopen import reopen
from jobs.spec.campaign import load_campaign_and_sites
from jobs.spec.claims import find_claims
from jobs.spec.site import find_sites_folder
from jobs.states import DISPLAY_ORDER
from jobs.throttle.in_force import grid_in_force, put_in_force
from jobs.throttle.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["register"]

_Said = TypeVar("_Said")

_FRESH_S = 30.0
"""Numbers of the throttle that are younger count as those of now."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(submit)
    app.command()(status)
    app.command()(cancel)


def submit(
    campaign: CampaignArgument,
    sites_folder: SitesFolderOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and start nothing.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Hand the driver to HTCondor: it outlives this login and a reboot.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a campaign to its end, or go on with one that was interrupted.

    What has succeeded is not run again; clusters that are still in the queue are attached to.
    Ctrl-C stops the driver and leaves the jobs in the queue; `sonicgrid submit` again goes on.
    """
    spec = find_spec(campaign)
    sites = find_sites_folder(sites_folder).resolve()
    checked, _ = load_campaign_and_sites(spec, sites)
    find_inputs(checked, str(spec))
    folder = CampaignFolder(checked.folder)
    if dry_run:
        dag = show_dag(spec, sites)
        if as_json:
            emit_json({"folder": str(folder.root), "snakemake": dag})
        else:
            console.out(dag, end="")
        return
    if find_driver(folder) is not None:
        _tell(as_json, "a driver is at work already; following it")
    else:
        open_queue()
        folder.root.mkdir(parents=True, exist_ok=True)
        for edit in put_in_force(folder, sites, checked.sites, str(spec)):
            _tell(as_json, f"{edit}")
        for line in (*mend_plan(spec, sites, folder), *mend_results(folder)):
            _tell(as_json, line)
        reopened = reopen(folder)
        if reopened:
            _tell(as_json, f"{reopened} blocks are taken up again: they had failed or missing jobs")
        if detach:
            cluster = submit_driver(spec, sites, folder)
            if as_json:
                emit_json({"folder": str(folder.root), "driver_cluster": cluster})
            _tell(as_json, f"the driver is HTCondor's job {cluster} now; look with `sonicgrid status {campaign}`")
            return
        start_driver(spec, sites, folder)
    if not follow_driver(folder, quiet=as_json):
        if as_json:
            emit_json({"folder": str(folder.root), "complete": False, "driver_stopped": True})
        _tell(as_json, f"the driver is stopped, the jobs stay in the queue; go on with `sonicgrid submit {campaign}`")
        raise typer.Exit(128 + signal.SIGINT)
    _end(folder, as_json=as_json)


def status(campaign: CampaignArgument, as_json: JsonOption = False) -> None:
    """Show where a campaign stands."""
    folder = find_folder(campaign)
    if not folder.manifest.exists():
        driver = find_driver(folder)
        message = "is being planned" if driver else f"has not been planned; `sonicgrid submit {campaign}` does that"
        _tell(as_json, f"the campaign {message}")
        if as_json:
            emit_json({"folder": str(folder.root), "planned": False, "driver": asdict(driver) if driver else None})
        return
    driver = find_driver(folder)
    troubles: list[str] = []
    throttle = _unless_damaged(lambda: read_state(folder), troubles)
    homeless = _unless_damaged(lambda: _slots_without_site(folder), troubles)
    progress = CampaignFollower(folder).look()
    validation = _unless_damaged(lambda: read_validation(folder), troubles) if folder.validation.exists() else None
    verdict = state_verdict(validation) if validation else ""
    if as_json:
        emit_json(
            {
                "folder": str(folder.root),
                "planned": True,
                "driver": asdict(driver) if driver else None,
                "verdict": verdict,
                "throttle": throttle.model_dump(mode="json") if throttle else None,
                "slots_without_site": homeless,
                "damaged": troubles,
                **asdict(progress),
            }
        )
        return
    console.print(_table(folder, progress))
    if throttle is not None:
        console.print(throttle_table(throttle, f"sites {_ago(throttle.at)}"))
        if throttle.problem:
            _print(f"the throttle is at its last limits: {throttle.problem}", style="yellow")
    if homeless:
        _print(f"{homeless:,} slots of the pool belong to none of the campaign's sites and get no job", style="yellow")
    for reason, count in progress.hold_reasons.items():
        console.print(f"[yellow]{count} held:[/] {escape(reason)}")
    for trouble in troubles:
        _print(trouble, style="yellow")
    at_work = f"at work (process {driver.pid} on {driver.host})" if driver else "not running"
    _print(f"driver: {at_work}; its log: {folder.log}")
    if verdict:
        _print(verdict)
    if folder.report.exists():
        _print(f"report: {folder.report}")


def cancel(
    campaign: CampaignArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the driver and remove the campaign's jobs from the queue; what is done stays done."""
    folder = find_folder(campaign)
    if not yes and not as_json:
        typer.confirm(f"Remove every job of the campaign in {folder.root} from the queue?", abort=True)
    queue = open_queue()
    stopped = stop_driver(folder)
    removed = queue.remove(folder, reason="sonicgrid cancel")
    if as_json:
        emit_json({"folder": str(folder.root), "driver_stopped": stopped, "clusters_removed": removed})
        return
    console.print(
        f"{removed} clusters removed from the queue; `sonicgrid submit {campaign}` takes the campaign up again"
    )


def _end(folder: CampaignFolder, *, as_json: bool) -> None:
    """Print the verdict and where to look; exit 1 if the campaign is not complete."""
    validation = read_validation(folder) if folder.validation.exists() else None
    if validation is None or (validation.complete and last_status(folder) != 0):
        message = f"the campaign did not get through: {last_error(folder)}"
        raise CampaignError(message)
    merged = sorted(str(path) for path in folder.merged.glob("*.root"))
    if as_json:
        emit_json(
            {
                "folder": str(folder.root),
                "complete": validation.complete,
                "verdict": state_verdict(validation),
                "report": str(folder.report),
                "merged": merged,
            }
        )
    else:
        _print(state_verdict(validation), style="green" if validation.complete else "red")
        _print(f"report: {folder.report}")
        for path in merged:
            _print(f"merged: {path}")
    if not validation.complete:
        raise typer.Exit(1)


def _print(line: str, style: str = "") -> None:
    """Print what files and jobs say as it is: no markup, and paths in one piece, to be copied."""
    console.print(line, style=style, markup=False, soft_wrap=True)


def _table(folder: CampaignFolder, progress: Progress) -> Table:
    title = f"{folder.root.name}: {progress.jobs_ended} of {progress.jobs} jobs ended"
    table = Table(title=title, title_justify="left")
    table.add_column("state")
    table.add_column("jobs", justify="right")
    for state in DISPLAY_ORDER:
        if count := progress.states.get(state, 0):
            table.add_row(str(state), f"{count:,}")
    table.add_section()
    table.add_row("events done", f"{progress.events_done:,} of {progress.events:,}")
    return table


def _unless_damaged(read: Callable[[], _Said | None], troubles: list[str]) -> _Said | None:
    """Return what a file says; None if it is damaged, which is told and no more: the others still say enough."""
    try:
        return read()
    except CampaignError as error:
        troubles.append(str(error))
        return None


def _slots_without_site(folder: CampaignFolder) -> int | None:
    """Return how many slots of the pool no site of the campaign claims; None if there is nobody to ask."""
    grid = grid_in_force(folder)
    if grid is None:
        return None
    try:
        return find_claims(slot_ads(), grid.sites).unclaimed
    except PoolError:
        return None


def _ago(at: float) -> str:
    """Say how old numbers are, in words."""
    age_s = max(0.0, time.time() - at)
    return "now" if age_s < _FRESH_S else f"when the throttle last looked, {timedelta(seconds=round(age_s))} ago"


def _tell(as_json: bool, line: str) -> None:
    if not as_json:
        _print(line)
