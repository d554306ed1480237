"""The embedded pool on the command line: up, down, status, and tokens for it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import PydanticCustomError
from rich.table import Table

from jobs.cli.output import JsonOption, console, emit_json
from jobs.errors import UsageError
from jobs.pool.access import keys_folder
from jobs.pool.down import pool_down
from jobs.pool.folders import pool_folder
from jobs.pool.start import DEFAULT_SITES
from jobs.pool.state import PoolState, read_state
from jobs.pool.status import CondorStatus, condor_status
from jobs.pool.up import DEFAULT_SERVERS, pool_up, servers_folder
from jobs.spec.units import DURATION
from sonic.server.pool import ServersStatus, servers_status
from sonic.server.tokens import sign_token, write_private

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="The embedded pool: HTCondor, Triton servers, and a load balancer before them, all on this machine.",
)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Everything of the pool lies here; pools in different folders do not meet. "
        "Default: SONICGRID_POOL, else .runtime/pool in the checkout.",
        show_default=False,
    ),
]


@app.command()
def up(
    folder: FolderOption = None,
    slots: Annotated[
        int | None,
        typer.Option(
            help="One-core slots of the site 'local'; more than cores is right, for a job that waits for scores uses "
            f"little. Default: what the pool had, at first {DEFAULT_SITES['local']}.",
            show_default=False,
        ),
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SLOTS",
            help="Play a site with so many slots; give it again for another. Slots advertise GLIDEIN_Site.",
            show_default=False,
        ),
    ] = None,
    servers: Annotated[
        int | None,
        typer.Option(
            help="Triton servers behind the endpoint, 0 for none. "
            f"Default: what the pool had, at first {DEFAULT_SERVERS}.",
            show_default=False,
        ),
    ] = None,
    access: Annotated[
        Path | None,
        typer.Option(
            help="File that says who may send requests: TLS, tokens, a limit. Default: what the pool had, at first "
            "everybody on this machine.",
            show_default=False,
        ),
    ] = None,
    open_again: Annotated[bool, typer.Option("--open", help="Let everybody on this machine in again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the pool, or what is missing of it; installs HTCondor, Triton and Envoy when they are not there.

    A pool that was stopped, killed or rebooted comes up again with its queue, at the same address.
    """
    sites = _sites(slots, site or [])
    start = partial(pool_up, folder, sites=sites, servers=servers, access=access, open_again=open_again)
    if as_json:
        emit_json(start().model_dump())
        return
    with console.status("the embedded pool"):
        state = start(report=lambda line: console.print(line, markup=False))
    console.print(f"pool is up in {state.folder}", markup=False)
    if state.endpoints:
        console.print(f"inference endpoint: {state.endpoints[0]}", markup=False)
    line = f"HTCondor's own commands: export CONDOR_CONFIG='{state.condor_config}'"
    console.print(line, markup=False, soft_wrap=True)


@app.command()
def down(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Stop every process of the pool, running jobs included; they start again with the next `up`."""
    ran = pool_down(folder)
    if as_json:
        emit_json({"folder": str(pool_folder(folder)), "stopped": ran})
        return
    what = "pool is down" if ran else "no pool was running"
    console.print(f"{what} in {pool_folder(folder)}", markup=False)


@app.command()
def status(folder: FolderOption = None, as_json: JsonOption = False) -> None:
    """Show the pool's daemons, its slots by site, its jobs by state, and its inference servers."""
    place = pool_folder(folder)
    state, condor, inference = read_state(place), condor_status(place), servers_status(servers_folder(place))
    if as_json:
        emit_json(_document(state, condor, inference))
    else:
        _show(state, condor, inference)


@app.command()
def token(
    folder: FolderOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write it into this file, which nobody else can read.", show_default=False),
    ] = None,
    lifetime: Annotated[str, typer.Option(help="How long it is good, from now.")] = "24 h",
    as_json: JsonOption = False,
) -> None:
    """Make a token for a pool whose access file says `tokens: own`."""
    try:
        lifetime_s = DURATION.parse(lifetime)
    except PydanticCustomError as error:
        raise UsageError(f'--lifetime {lifetime}: it takes a duration like "24 h": {error.message()}') from error
    signed = sign_token(keys_folder(pool_folder(folder)), lifetime_s=lifetime_s)
    if out is not None:
        try:
            write_private(out, signed)
        except OSError as error:
            raise UsageError(f"--out {out}: cannot write it: {error.strerror}") from error
    if as_json:
        emit_json({"file": str(out), "lifetime_s": lifetime_s} if out else {"token": signed, "lifetime_s": lifetime_s})
    elif out is None:
        sys.stdout.write(f"{signed}\n")
    else:
        console.print(f"token for {lifetime} in {out}", markup=False)


def _sites(slots: int | None, pairs: list[str]) -> dict[str, int] | None:
    """Return slots per site name as asked for, or None where nothing was asked."""
    if slots is not None and pairs:
        raise UsageError("--slots is for the one site 'local': give --site NAME=SLOTS for each site, or --slots")
    if slots is not None:
        return {"local": slots}
    sites: dict[str, int] = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if not number.isdecimal():
            raise UsageError(f"--site {pair}: it takes NAME=SLOTS, for example --site FNAL=8")
        if name in sites:
            raise UsageError(f"--site {pair}: {name} is given twice")
        sites[name] = int(number)
    return sites or None


def _document(state: PoolState | None, condor: CondorStatus, inference: ServersStatus | None) -> dict[str, Any]:
    document = asdict(condor) | {"jobs": dict(condor.jobs), "endpoint": None, "envoy": None, "servers": []}
    document["access"] = state.access if state is not None else ""
    if state is not None and inference is not None:
        document["endpoint"] = state.endpoints[0] if state.endpoints else None
        document["envoy"] = inference.envoy
        document["servers"] = [
            {"name": row.server.role, "condition": row.condition, "grpc_port": row.server.grpc_port}
            for row in inference.servers
        ]
    return document


def _show(state: PoolState | None, condor: CondorStatus, inference: ServersStatus | None) -> None:
    if not condor.up:
        console.print(f"HTCondor is down in {condor.folder}; start it with `sonicgrid pool up`", markup=False)
    else:
        console.print(f"HTCondor {condor.version} on 127.0.0.1:{condor.port} in {condor.folder}", markup=False)
        console.print(f"daemons: {', '.join(condor.daemons)}", markup=False)
        table = Table("site", "slots", "busy")
        for row in condor.sites:
            table.add_row(row.site, str(row.slots), str(row.busy))
        console.print(table)
        console.print("jobs: " + ", ".join(f"{count} {name}" for name, count in condor.jobs), markup=False)
    if state is None or inference is None or not state.servers:
        console.print("no inference servers", markup=False)
        return
    table = Table("server", "condition", "gRPC port")
    for server in inference.servers:
        table.add_row(server.server.role, server.condition, str(server.server.grpc_port))
    console.print(table)
    console.print(f"endpoint {state.endpoints[0] if state.endpoints else '-'} (Envoy): {inference.envoy}", markup=False)
    console.print(f"access: {state.access or 'everybody on this machine'}", markup=False, soft_wrap=True)
