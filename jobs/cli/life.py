"""The life of a campaign: submit, cancel."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from jobs.cli.live import follow_driver
from jobs.cli.output import JsonOption, console, emit_json, tell
from jobs.cli.target import CampaignArgument, SitesFolderOption, find_folder, find_spec
from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.planning.inputs import find_inputs
from jobs.planning.mend import mend_plan
from jobs.results.validate import read_validation
from jobs.results.verdict import state_verdict
from jobs.running.detach import submit_driver
from jobs.running.driver import last_error, show_dag, start_driver, stop_driver
from jobs.running.lock import find_driver, last_status, one_submit
from jobs.running.mend import mend_results
from jobs.running.queue import open_queue
from jobs.running.reopen import reopen
from jobs.spec.campaign import load_campaign_and_sites
from jobs.spec.site import find_sites_folder
from jobs.throttle.in_force import put_in_force

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(submit)
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
    with one_submit(folder):
        if find_driver(folder) is not None:
            _tell(as_json, "a driver is at work already; following it")
        else:
            open_queue()
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
    if validation is None or (validation.complete and not _went_through(folder)):
        message = f"the campaign did not get through: {last_error(folder)}"
        raise CampaignError(message)
    merged = sorted(str(path) for path in folder.merged.glob("*.root"))
    if as_json:
        emit_json(
            {
                "folder": str(folder.root),
                "complete": validation.complete,
                "verdict": state_verdict(validation),
                "missing": None if validation.complete else str(folder.missing),
                "report": str(folder.report),
                "merged": merged,
            }
        )
    else:
        tell(state_verdict(validation), style="green" if validation.complete else "red")
        if not validation.complete:
            tell(f"missing: {folder.missing}")
        tell(f"report: {folder.report}")
        for path in merged:
            tell(f"merged: {path}")
    if not validation.complete:
        raise typer.Exit(1)


def _went_through(folder: CampaignFolder) -> bool:
    """Return whether the workflow came to its end; a driver that was killed leaves its Snakemake to get there."""
    status = last_status(folder)
    if status is not None:
        return status == 0
    mark = folder.complete
    return mark.exists() and mark.stat().st_mtime_ns >= folder.validation.stat().st_mtime_ns


def _tell(as_json: bool, line: str) -> None:
    if not as_json:
        tell(line)
