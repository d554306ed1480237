"""Bring a whole embedded pool up: HTCondor, Triton servers, and Envoy before them, under one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.pool.access import read_access
from jobs.pool.folders import only_one, pool_folder, runtime_folder
from jobs.pool.install import install as install_htcondor
from jobs.pool.start import start_pool
from jobs.pool.state import read_state, write_state
from sonic.server.install import install as install_servers
from sonic.server.pool import start_servers, stop_servers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobs.pool.state import PoolState

__all__ = ["DEFAULT_SERVERS", "UP_LOCK", "pool_up", "servers_folder"]

DEFAULT_SERVERS = 2
"""Two, so that the load balancer has something to balance; they share out the machine's cores."""

UP_LOCK = ".up.lock"


def servers_folder(folder: Path) -> Path:
    """Return where the inference servers of a pool keep their files."""
    return folder / "servers"


def pool_up(
    folder: Path | None = None,
    *,
    sites: Mapping[str, int] | None = None,
    servers: int | None = None,
    access: Path | None = None,
    open_again: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> PoolState:
    """Have an embedded pool running and return where it answers; what runs already is left alone.

    HTCondor, Triton and Envoy are installed first where they are not there yet.

    Args:
        folder: the pool's folder; None is the default one.
        sites: static one-core slots per site name; None keeps what the pool had.
        servers: Triton servers behind the endpoint, 0 for none; None keeps what the pool had, at first
            `DEFAULT_SERVERS`. A server that is one too many answers first what it has.
        access: file that says who may send requests; None keeps what the pool had, at first everybody on this machine.
        open_again: let in everybody on this machine, whatever the pool had.
        report: called with one line of progress at a time.

    Raises:
        SetupError: HTCondor cannot be installed or started.
        SetupFailed: Triton or Envoy cannot be installed or started, or a file of `access` cannot be used.
        UsageError: the request contradicts itself or the pool that runs, or `access` does not check.
    """
    if access is not None and open_again:
        raise UsageError("a pool has an access file, or is open: give one of the two")
    if servers is not None and servers < 0:
        raise UsageError(f"{servers} inference servers: 0 or more")
    place = pool_folder(folder)
    with only_one(place / UP_LOCK):
        known = read_state(place)
        wanted = servers if servers is not None else (known.servers if known else DEFAULT_SERVERS)
        guarded = access.expanduser().absolute() if access else Path(known.access) if known and known.access else None
        guarded = None if open_again else guarded
        address, rules = read_access(guarded, place)
        htcondor = install_htcondor(runtime_folder(), lambda line: report(f"HTCondor: {line}"))
        if wanted:
            install_servers(runtime_folder(), report)
        state = start_pool(place, htcondor, sites, report)
        # Before the servers start: a start that is interrupted must not leave an open pool to the next one.
        state = state.model_copy(update={"access": str(guarded or "")})
        write_state(state)
        endpoints: list[str] = []
        if wanted:
            running = start_servers(
                servers_folder(place),
                wanted,
                runtime=runtime_folder(),
                address=address,
                access=rules,
                report=report,
            )
            endpoints = [running.endpoint]
        elif servers_folder(place).is_dir():
            stop_servers(servers_folder(place))
        state = state.model_copy(update={"endpoints": endpoints, "servers": wanted})
        write_state(state)
        return state
