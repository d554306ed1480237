"""The site configs on the command line, read only: which there are, what is in force, what is wrong."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jobs.cli.output import JsonOption, console, emit_json
from jobs.cli.target import SitesFolderOption
from jobs.errors import ConfigError, PoolError, Problem
from jobs.pool.slots import slot_ads
from jobs.spec.claims import Claims, find_claims, problems_of_claims
from jobs.spec.site import Grid, find_sites_folder, load_grid, site_files
from jobs.spec.units import RATE, SHARE, STARTS

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.spec.site import Site

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="The site configs: where jobs may run, and how much of each site's link they may have.",
)


@app.command(name="list")
def list_(sites_folder: SitesFolderOption = None, as_json: JsonOption = False) -> None:
    """Show every site of the folder with its link, its limits and how it admits jobs.

    `Mb/s in all` is the budget: the uplink times the share of it that campaigns may fill, for all jobs of the site.
    What a site `shares with others`, links and a GPU pool, has limits of its own in links.yaml.
    A site with a budget of 0 is closed for jobs that use the network.

    Example: sonicgrid sites list
    """
    folder = find_sites_folder(sites_folder)
    grid = load_grid(folder)
    if as_json:
        emit_json({"folder": str(folder), "sites": {name: _summary(site) for name, site in grid.sites.items()}})
        return
    table = Table(box=None, padding=(0, 1, 0, 0), title=f"sites of {escape(str(folder))}", title_justify="left")
    table.add_column("site")
    for heading in ("uplink", "share", "Mb/s\nin all", "ramp", "most\njobs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("admission", "environ-\nment", "shares\nwith others"):
        table.add_column(heading, overflow="fold")
    for name, site in grid.sites.items():
        table.add_row(
            name,
            RATE.write(site.uplink_mbps),
            SHARE.write(site.campaign_share),
            f"{site.budget_mbps:,.6g}" if site.budget_mbps else "closed",
            STARTS.write(site.ramp_per_min),
            "-" if site.most_jobs is None else f"{site.most_jobs:,}",
            site.admission,
            _environment_kind(site),
            "\n".join([*site.shared_links, *([f"GPUs {site.gpu_pool}"] if site.gpu_pool else [])]) or "-",
        )
    console.print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a site: its config is NAME.yaml.")],
    sites_folder: SitesFolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every key of one site as it is in force, defaults included, and the links and GPU pool that it shares.

    Example: sonicgrid sites show local
    """
    folder = find_sites_folder(sites_folder)
    grid = load_grid(folder, [name])
    site = grid.sites[name]
    document = _document(site, grid, site_files(folder)[name])
    if as_json:
        emit_json(document)
        return
    table = Table(title=f"site {name}, {escape(document['file'])}", title_justify="left")
    table.add_column("key")
    table.add_column("value", overflow="fold")
    table.add_column("")
    for key, entry in document["keys"].items():
        table.add_row(key, escape(_shown(entry["value"])), "default" if entry["default"] else "")
    console.print(table)
    console.print(f"budget: {RATE.write(site.budget_mbps)}" if site.budget_mbps else "budget: none, the site is closed")
    for link, entry in document["shared_links"].items():
        shared = f"{entry['campaign_share']} of {entry['rate']}"
        console.print(f"shared link {link}: {RATE.write(entry['budget_mbps'])}, {shared}", markup=False)
    pool = document["gpu_pool"]
    if pool:
        numbers = f"{pool['most_jobs']:,} jobs at most, {pool['jobs_per_gpu']} on each of {pool['gpus']} GPUs"
        console.print(f"GPU pool {site.gpu_pool}: {numbers}", markup=False)


@app.command()
def check(
    sites_folder: SitesFolderOption = None,
    pool: Annotated[
        bool | None,
        typer.Option(
            "--pool/--no-pool",
            help="Whether to ask the pool's slots whose they are. Default: if a pool answers.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every site config of the folder, and links.yaml; show every problem of every file at once.

    Where a pool answers, every slot is held against the `slots` expression of every site: a slot that two sites claim
    is a problem, and slots that belong to no site are counted, for they get no job. Exit code 2 if there is a problem.

    Example: sonicgrid sites check --no-pool
    """
    folder = find_sites_folder(sites_folder)
    problems = _not_read(folder)
    claims, not_looked_at = None, "it was not asked for"
    try:
        grid = load_grid(folder)
    except ConfigError as error:
        problems += error.problems
        not_looked_at = "the problems of the site configs come first"
    else:
        if pool is not False:
            claims, not_looked_at = _claims(grid, must=bool(pool))
        problems += problems_of_claims(claims.overlaps if claims else (), site_files(folder))
    if as_json:
        emit_json(
            {
                "valid": not problems,
                "folder": str(folder),
                "sites": list(site_files(folder)),
                "problems": [asdict(problem) for problem in problems],
                "pool": None if claims is None else asdict(claims),
                "pool_not_looked_at": not_looked_at or None,
            }
        )
        if problems:
            raise typer.Exit(ConfigError.exit_code)
        return
    _say_claims(claims, not_looked_at)
    if problems:
        raise ConfigError(problems)
    console.print(
        f"{folder}: no problems; sites: {', '.join(site_files(folder)) or 'none'}", markup=False, soft_wrap=True
    )


def _summary(site: Site) -> dict[str, Any]:
    return {
        "uplink_mbps": site.uplink_mbps,
        "campaign_share": site.campaign_share,
        "budget_mbps": site.budget_mbps,
        "shared_links": list(site.shared_links),
        "ramp_per_min": site.ramp_per_min,
        "most_jobs": site.most_jobs,
        "admission": site.admission,
        "environment": _environment_kind(site),
        "gpu_pool": site.gpu_pool,
    }


def _environment_kind(site: Site) -> str:
    """Return how a worker gets its Python, in a word; by default it is the one that submits."""
    return site.environment.kind if site.environment else "submitter's"


def _document(site: Site, grid: Grid, file: Path) -> dict[str, Any]:
    fields = {field.alias or key: key for key, field in type(site).model_fields.items()}
    values = site.model_dump(mode="json", by_alias=True)
    links = {name: grid.links.shared_links[name] for name in site.shared_links}
    pool = grid.links.gpu_pools[site.gpu_pool] if site.gpu_pool else None
    return {
        "site": site.name,
        "file": str(file),
        "keys": {
            key: {"value": value, "default": fields[key] not in site.model_fields_set} for key, value in values.items()
        },
        "budget_mbps": site.budget_mbps,
        "shared_links": {
            name: {**link.model_dump(mode="json", by_alias=True), "budget_mbps": link.budget_mbps}
            for name, link in links.items()
        },
        "gpu_pool": pool and {**pool.model_dump(mode="json"), "most_jobs": pool.most_jobs},
    }


def _shown(value: object) -> str:
    """Return a value of a key as people write it."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items() if inner is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _not_read(folder: Path) -> list[Problem]:
    remedy = "the name of a site config ends in .yaml"
    return [Problem(str(path), "", "is not read", remedy) for path in sorted(folder.glob("*.yml"))]


def _claims(grid: Grid, *, must: bool) -> tuple[Claims | None, str]:
    """Return whose the slots of the pool are, or why that is not known."""
    try:
        return find_claims(slot_ads(), grid.sites), ""
    except PoolError as error:
        if must:
            raise
        return None, str(error)


def _say_claims(claims: Claims | None, not_looked_at: str) -> None:
    if claims is None:
        console.print(f"slots of the pool: not looked at, because {not_looked_at}", markup=False, soft_wrap=True)
        return
    by_site = [f"{name} {slots:,}" for name, slots in claims.by_site.items()]
    console.print(
        f"slots of the pool: {claims.total:,}; {', '.join(by_site) or 'no site'}", markup=False, soft_wrap=True
    )
    if claims.unclaimed:
        who = "1 slot belongs" if claims.unclaimed == 1 else f"{claims.unclaimed:,} slots belong"
        console.print(f"[bold yellow]{who} to no site, and no job goes there[/]")
