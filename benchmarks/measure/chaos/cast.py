"""Which process plays which role now: found by what each carries, so that nothing outside of the scene is hit."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from jobs.pool.config import PoolFiles
from jobs.pool.processes import daemons, pool_processes
from jobs.pool.up import servers_folder
from sonic.server.process import find_processes
from sonic.server.state import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from measure.chaos.scene import Scene

__all__ = ["everything", "find_role"]

_NOT_SUBMIT_SIDE = {"jobs.payload", "monitoring.collect"}
_STEPS = {"driver process": "jobs.running.driver", "snakemake": "snakemake", "keeper": "jobs.throttle.keep"}


def find_role(scene: Scene, role: str) -> list[psutil.Process]:
    """Return the living processes of a role, in the order of their numbers.

    Args:
        scene: whose.
        role: command, driver (all of the submit side), "driver process", snakemake, keeper, payload, triton, envoy,
            collector, relay, or the name of one of HTCondor's daemons.

    """
    found: list[psutil.Process]
    match role:
        case "command":
            found = _of(scene.submitting)
        case "driver":
            found = [*_of(scene.submitting), *_submit_side(scene.folder)]
        case "collector":
            found = _of(scene.collecting)
        case "relay":
            found = _of(scene.relaying)
        case "payload":
            files = PoolFiles(scene.pool)
            found = [one for one in pool_processes(files) if "jobs.payload" in _words(one)]
        case "triton" | "envoy":
            found = _servers(scene, role)
        case _ if role in _STEPS:
            found = [one for one in _submit_side(scene.folder) if _runs(one, _STEPS[role])]
        case _:
            found = [one for one in daemons(PoolFiles(scene.pool)) if _name(one) == role]
    return sorted(found, key=lambda one: one.pid)


def everything(scene: Scene) -> list[psutil.Process]:
    """Return all processes of a campaign and of its pool, whatever their role; the link stays."""
    found = [
        *find_role(scene, "driver"),
        *find_role(scene, "collector"),
        *pool_processes(PoolFiles(scene.pool)),
        *find_processes(servers_folder(scene.pool)),
    ]
    return list({one.pid: one for one in found}.values())


def _of(process: psutil.Popen | None) -> list[psutil.Process]:
    return [process] if process is not None and process.poll() is None else []


def _submit_side(folder: Path) -> list[psutil.Process]:
    """Return the processes that work on a campaign's folder, but for its jobs and what only looks at it."""
    found = []
    for process in psutil.process_iter():
        words = _words(process)
        if any(str(folder) in word for word in words) and not _NOT_SUBMIT_SIDE & set(words):
            found.append(process)
    return found


def _servers(scene: Scene, role: str) -> list[psutil.Process]:
    state = read_state(servers_folder(scene.pool))
    if state is None:
        return []
    numbers = [state.envoy_pid] if role == "envoy" else [server.pid for server in state.servers]
    ours = {one.pid: one for one in find_processes(servers_folder(scene.pool))}
    return [ours[number] for number in numbers if number in ours]


def _runs(process: psutil.Process, module: str) -> bool:
    words = _words(process)
    # Not the shell that waits with Snakemake's command line until its driver has written the lock.
    return module in words and not words[0].endswith("sh")


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _name(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return str(process.name())
    return ""
