"""Before a campaign: is its spec right, and how much work is it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from jobs.cli.output import JsonOption, console, emit_json
from jobs.cli.target import CampaignArgument, SitesFolderOption, find_spec
from jobs.errors import ConfigError, PoolError
from jobs.planning.demand import check_budgets
from jobs.planning.inputs import find_inputs
from jobs.planning.plan import make_plan
from jobs.pool.slots import slot_ads
from jobs.spec.campaign import load_campaign_and_sites
from jobs.spec.claims import find_claims
from jobs.spec.site import find_sites_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobs.planning.demand import Demand
    from jobs.planning.plan import Plan
    from jobs.spec.site import Site

__all__ = ["register"]

_UNKNOWN = "unknown until the first jobs report"

_REJECTED_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(validate)
    app.command()(plan)


def validate(campaign: CampaignArgument, sites_folder: SitesFolderOption = None, as_json: JsonOption = False) -> None:
    """Check a campaign spec and the sites that it names; show every problem at once.

    Opens no file of events; `sonicgrid plan` does.
    """
    spec = find_spec(campaign)
    try:
        checked, sites = load_campaign_and_sites(spec, find_sites_folder(sites_folder))
        check_budgets(checked, sites, str(spec))
        paths = find_inputs(checked, str(spec))
    except ConfigError as error:
        if not as_json:
            raise
        emit_json({"valid": False, "spec": str(spec), "problems": [asdict(problem) for problem in error.problems]})
        raise typer.Exit(error.exit_code) from error
    if as_json:
        emit_json({"valid": True, "spec": str(spec), "files": len(paths), "sites": list(sites), "problems": []})
        return
    console.print(f"{spec}: no problems", markup=False)
    console.print(f"{len(paths):,} input files; sites: {', '.join(sites)}; results: {checked.folder}", markup=False)


def plan(campaign: CampaignArgument, sites_folder: SitesFolderOption = None, as_json: JsonOption = False) -> None:
    """Show what a campaign would do: jobs, blocks, and what it asks of each site's link. Changes nothing.

    For every site: Mb/s a job, jobs that fit, what binds (the link, a shared link, a GPU pool, slots), and from all of
    them the expected duration. To know these beforehand, give the spec an `estimate` of hits and seconds per event;
    without one the first jobs of each site are pilots, and the rest follows what they measure.

    Every input file is opened once to count its events, about a thousand files a second on a local disk.
    """
    spec = find_spec(campaign)
    columns = (TextColumn("counting events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    shown = console.is_terminal and not as_json
    with ProgressBar(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=None)
        made = make_plan(
            spec,
            find_sites_folder(sites_folder),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            keep_cache=False,
            count_slots=_count_slots,
        )
    if as_json:
        emit_json({"spec": str(spec), "folder": str(made.campaign.folder), **_document(made)})
        return
    console.print(_work(made))
    sites = load_campaign_and_sites(spec, find_sites_folder(sites_folder))[1]
    for name, site_demand in made.demand.sites.items():
        console.print(site_demand.sentence(sites[name]), markup=False, soft_wrap=True)
    console.print(_links(made.demand))
    rejected = made.inputs.rejected
    if rejected:
        console.print(
            f"[bold yellow]{len(rejected):,} input files cannot be used; the campaign will end incomplete:[/]"
        )
        for file in rejected[:_REJECTED_SHOWN]:
            console.print(f"  {escape(file.reason)}")
        if len(rejected) > _REJECTED_SHOWN:
            console.print(f"  and {len(rejected) - _REJECTED_SHOWN:,} more; --json lists them all")


def _document(made: Plan) -> dict[str, object]:
    demand = made.demand
    return {
        **made.summary.model_dump(mode="json"),
        "demand": {
            "mbps_per_job": demand.mbps_per_job,
            "total_gb": demand.total_gb,
            "expected_s": demand.expected_s,
            "sites": {name: asdict(site) for name, site in demand.sites.items()},
        },
    }


def _work(made: Plan) -> Table:
    summary, demand = made.summary, made.demand
    expected = _UNKNOWN if demand.expected_s is None else str(timedelta(seconds=round(demand.expected_s)))
    table = Table(show_header=False, title=f"campaign {summary.campaign}", title_justify="left")
    table.add_column("what")
    table.add_column("number", overflow="fold")
    rows = {
        "input files": f"{summary.files:,}" + (f" and {len(summary.rejected):,} rejected" if summary.rejected else ""),
        "events": f"{summary.events:,}",
        "jobs": f"{summary.jobs:,}: {summary.jobs - summary.cpu_jobs:,} gpu, {summary.cpu_jobs:,} cpu",
        "blocks": f"{summary.blocks:,}",
        "Mb/s per gpu job": _UNKNOWN if demand.mbps_per_job is None else f"{demand.mbps_per_job:.3g}",
        "to the inference pool": _UNKNOWN if demand.total_gb is None else f"{demand.total_gb:,.3g} GB",
        "expected duration": expected,
        "results": escape(str(made.campaign.folder)),
    }
    for what, number in rows.items():
        table.add_row(what, number)
    return table


def _links(demand: Demand) -> Table:
    table = Table(title="sites", title_justify="left")
    table.add_column("site")
    for heading in ("Mb/s for campaigns", "Mb/s a job", "slots", "jobs that fit", "admitted"):
        table.add_column(heading, justify="right")
    table.add_column("what binds")
    for name, site in demand.sites.items():
        rate = None if site.mbps_per_job is None else float(f"{site.mbps_per_job:.3g}")
        numbers = (site.budget_mbps, rate, site.slots, site.jobs_that_fit, site.admitted)
        shown = ["-" if number is None else f"{number:,.6g}" for number in numbers]
        table.add_row(name, *shown, site.binds)
    return table


def _count_slots(sites: Mapping[str, Site]) -> Mapping[str, int] | None:
    """Return how many slots of the pool each site has; None if there is no pool to ask."""
    try:
        return find_claims(slot_ads(), sites).by_site
    except PoolError:
        return None
