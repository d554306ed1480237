"""Which processes belong to an embedded pool: found by what they carry, so that none is lost when its parent dies."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from jobs.pool.config import PoolFiles

__all__ = ["daemon_names", "daemons", "end_processes", "master", "pool_processes"]


def daemons(files: PoolFiles) -> list[psutil.Process]:
    """Return HTCondor's own processes of this pool: they have its daemon configuration in their environment."""
    config = str(files.daemon_config)
    return [process for process, environment in _others() if environment.get("CONDOR_CONFIG") == config]


def pool_processes(files: PoolFiles) -> list[psutil.Process]:
    """Return all processes of this pool: its daemons, and the jobs that they started."""
    config, scratch = str(files.daemon_config), str(files.condor) + os.sep
    return [
        process
        for process, environment in _others()
        if environment.get("CONDOR_CONFIG") == config or environment.get("_CONDOR_SCRATCH_DIR", "").startswith(scratch)
    ]


def master(files: PoolFiles) -> psutil.Process | None:
    """Return the pool's condor_master, or None when it is down."""
    for process in daemons(files):
        with contextlib.suppress(psutil.Error):
            if process.name() == "condor_master":
                return process
    return None


def daemon_names(files: PoolFiles) -> list[str]:
    """Return the names of the pool's daemons that run, each once, for example ``schedd``."""
    names = set()
    for process in daemons(files):
        with contextlib.suppress(psutil.Error):
            names.add(process.name().removeprefix("condor_"))
    return sorted(names)


def end_processes(processes: list[psutil.Process], patience_s: float) -> None:
    """Wait this long for processes to end by themselves, then kill those that did not."""
    _, alive = psutil.wait_procs(processes, timeout=patience_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=10)


def _others() -> list[tuple[psutil.Process, dict[str, str]]]:
    """Return every process that is not a zombie, not this one and none of its ancestors, with its environment.

    Another user's process cannot be looked into and is left out: it is none of this pool.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in own:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment and process.status() != psutil.STATUS_ZOMBIE:
                found.append((process, environment))
    return found
