"""A set of Triton servers behind one Envoy, under one folder: start, stop, status.

    FOLDER/servers.json     what runs where (`sonic.server.state`)
    FOLDER/models/          the model repository
    FOLDER/envoy.json       Envoy's configuration; endpoints.json lists the servers to it, secret-*.json certificates
    FOLDER/logs/            one log for each

Starting again repairs: what runs and answers is left alone, what is missing is started, with its former ports if they
are free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sonic.errors import SetupFailed
from sonic.server import envoy, process, triton
from sonic.server.access import OPEN, Access, check_access
from sonic.server.models import DEMO_MODEL
from sonic.server.programs import find_programs
from sonic.server.repository import Serving, fingerprint, write_repository
from sonic.server.start import Starter
from sonic.server.state import ServersState, ServerState, read_state, write_state
from sonic.server.triton import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Condition", "ServerStatus", "ServersStatus", "servers_status", "start_servers", "stop_servers"]

CPU_PATCHES_PER_RUN = 256
GPU_PATCHES_PER_RUN = 4096

SHARED_MEMORY_PER_SERVER = 128 * 1024 * 1024
"""Bytes; about three times what a dozen requests of 256 patches at once take."""


class Condition(StrEnum):
    """What a server or Envoy does now."""

    READY = "ready"
    NOT_READY = "not ready"
    DEAD = "dead"


@dataclass(frozen=True)
class ServerStatus:
    """One Triton server: its last known process and ports, and what it does now."""

    server: ServerState
    condition: Condition


@dataclass(frozen=True)
class ServersStatus:
    """A set of servers as it is now; `state` is what the last start left."""

    state: ServersState
    envoy: Condition
    servers: tuple[ServerStatus, ...]

    @property
    def ready(self) -> bool:
        """Whether Envoy and every server are ready."""
        return {self.envoy, *(server.condition for server in self.servers)} == {Condition.READY}


def start_servers(
    folder: Path,
    count: int,
    *,
    runtime: Path,
    model: Path = DEMO_MODEL,
    gpu: bool = False,
    address: str = LOOPBACK,
    access: Access = OPEN,
    report: Callable[[str], None] = lambda _: None,
    timeout_s: float = 120.0,
) -> ServersState:
    """Have `count` Triton servers and Envoy running under a folder, and wait until all are ready.

    More servers than before join those that run; fewer leave once they have answered what they had. Clients notice
    neither. Another `access` or address restarts Envoy, which breaks the connections of its clients.

    Args:
        folder: of the set; sets in different folders do not meet.
        count: number of Triton servers. The machine's cores are shared out among them when the first ones start; those
            that join later get as many each.
        runtime: folder that `sonic.server.install.install` filled.
        model: ONNX file with the tensors of `sonic.network`.
        gpu: serve from the GPUs; needs onnxruntime-gpu in Triton's environment.
        address: IPv4 address of this machine that clients go to; by default nobody else's machine reaches the set.
        access: who may send requests, and how fast; by default everybody who reaches the address.
        report: is told each step in a few words.
        timeout_s: for each server to get ready.

    Returns:
        The set; clients go to its `endpoint`.

    Raises:
        SetupFailed: the programs are not installed, one of them ends or does not get ready, or a file of `access`
            cannot be used. Whatever this call started is stopped again.

    """
    if count < 1:
        raise SetupFailed(f"{count} inference servers: at least one is needed")
    if not model.is_file():
        raise SetupFailed(f"{model}: no such model file")
    check_access(access)
    folder = Path(folder).resolve()
    for path in (folder, Path(runtime).resolve()):
        if any(character.isspace() for character in str(path)):
            # Its Python backend starts a helper through a shell, without quotes.
            message = f"{path}: Triton cannot run from a path with spaces; choose another with SONICGRID_RUNTIME"
            raise SetupFailed(f"{message} and SONICGRID_POOL, or move the checkout")
    programs = find_programs(runtime)
    _warn_of_small_shared_memory(count, report)
    with _errors_told(folder), _lock(folder):
        before = read_state(folder)
        serving = Serving(
            intra_op_threads=_cores_per_server(folder, count, before),
            gpu=gpu,
            patches_per_run=GPU_PATCHES_PER_RUN if gpu else CPU_PATCHES_PER_RUN,
        )
        mark = fingerprint(model, serving)
        repository = folder / "models"
        if before is None or before.fingerprint != mark or not repository.is_dir():
            _stop(folder)
            write_repository(repository, model, serving)
        starter = Starter(folder, programs, gpu, report, timeout_s, address, access)
        state = starter.start([f"triton-{number}" for number in range(1, count + 1)], before, mark)
        state = state.model_copy(update={"cores_per_server": serving.intra_op_threads})
        write_state(folder, state)
        return state


def stop_servers(folder: Path) -> None:
    """End all servers of a folder and their children, whatever the state file says; their ports stay reserved there."""
    folder = Path(folder).resolve()
    if folder.is_dir():
        with _lock(folder):
            _stop(folder)


def servers_status(folder: Path) -> ServersStatus | None:
    """Return what the set in a folder does now, or None where none was ever started.

    Raises:
        SetupFailed: the state file is not one of ours.

    """
    folder = Path(folder).resolve()
    state = read_state(folder)
    if state is None:
        return None
    servers = tuple(
        ServerStatus(server, _condition(folder, server.role, partial(triton.is_ready, server.http_port)))
        for server in state.servers
    )
    balancer = _condition(folder, envoy.ROLE, lambda: bool(envoy.healthy_servers(state.admin_port)))
    return ServersStatus(state, balancer, servers)


def _condition(folder: Path, role: str, is_ready: Callable[[], bool]) -> Condition:
    if process.find_leader(folder, role) is None:
        return Condition.DEAD
    return Condition.READY if is_ready() else Condition.NOT_READY


def _cores_per_server(folder: Path, count: int, before: ServersState | None) -> int:
    """Return the cores of one server; shared out anew only when none runs, since that takes a restart of all."""
    if before and before.cores_per_server and any(process.find_leader(folder, s.role) for s in before.servers):
        return before.cores_per_server
    return max(1, len(os.sched_getaffinity(0)) // count)


def _stop(folder: Path) -> None:
    process.stop_processes(folder)
    triton.clean_shared_memory(folder)


def _warn_of_small_shared_memory(count: int, report: Callable[[str], None]) -> None:
    """Tell when the Python backend may run out of it: requests fail then, as with Docker's 64 MB."""
    free = shutil.disk_usage(triton.SHARED_MEMORY).free
    if free < count * SHARED_MEMORY_PER_SERVER:
        report(
            f"warning: {triton.SHARED_MEMORY} has {free / 1e6:.0f} MB free for {count} servers: large requests may "
            "fail. In a container give it more, with Docker by --shm-size=1g"
        )


@contextlib.contextmanager
def _errors_told(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses into one clear error."""
    try:
        yield
    except OSError as exc:
        raise SetupFailed(f"cannot run inference servers in {folder}: {exc}") from exc


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one command at a time change the set in a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "servers.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
