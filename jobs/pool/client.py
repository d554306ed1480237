"""How this project's processes talk to an embedded pool: which configuration HTCondor's code must find, and when.

HTCondor's Python bindings read their configuration once, from the environment, when they are first imported. So
`enter_pool` comes before ``import htcondor2``; where the bindings are already loaded it makes them read again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import PoolError
from jobs.pool.folders import pool_folder
from jobs.pool.state import find_pool, read_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.pool.state import PoolState

__all__ = ["client_command", "client_environment", "enter_pool", "pool_environment"]

_TOLD_TO_JOBS = tuple(
    f"_CONDOR_{word}" for word in ("ANCESTOR_", "CHIRP_CONFIG", "JOB_", "MACHINE_AD", "SCRATCH_DIR", "SLOT")
)
"""Starts of the variables by which HTCondor follows a job's processes and tells a job where its files are."""


def pool_environment(folder: Path | None = None) -> dict[str, str]:
    """Return what must be in the environment of a process that talks to the pool in this folder.

    Raises:
        PoolError: no pool was ever up in that folder.
        SetupError: the pool's state file cannot be read.
    """
    return _environment(_known(folder))


def client_environment(folder: Path | None = None) -> dict[str, str]:
    """Return a whole environment for a subprocess: this process's own, with the pool's settings and no others'."""
    inherited = {name: value for name, value in os.environ.items() if not _overrides_htcondor(name)}
    return inherited | _environment(_known(folder))


def client_command(folder: Path | None, arguments: Sequence[str]) -> list[str]:
    """Return the command line of one of HTCondor's commands, for use with `client_environment`.

    The identity comes from the pool's token, so the commands run as they are, also as root.
    """
    program, *rest = arguments
    return [str(Path(_known(folder).condor_bin) / program), *rest]


def enter_pool(folder: Path | None = None) -> PoolState | None:
    """Make this process, and all that it starts, talk to the pool that `find_pool` finds.

    Where the jobs go to the user's own HTCondor nothing is changed and None is returned.

    Raises:
        SetupError: the pool's state file cannot be read.
    """
    state = find_pool(folder)
    if state is None:
        return None
    for name in [name for name in os.environ if _overrides_htcondor(name)]:
        del os.environ[name]
    os.environ.update(_environment(state))
    bindings = sys.modules.get("htcondor2")
    if bindings is not None:
        bindings.reload_config()
    return state


def _known(folder: Path | None) -> PoolState:
    state = read_state(pool_folder(folder))
    if state is None:
        raise PoolError(f"there is no embedded pool in {pool_folder(folder)}: start one with `sonicgrid pool up`")
    return state


def _environment(state: PoolState) -> dict[str, str]:
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if state.condor_bin not in path:
        path = [state.condor_bin, *path]
    return {"CONDOR_CONFIG": state.condor_config, "PATH": os.pathsep.join(path)}


def _overrides_htcondor(name: str) -> bool:
    """Whether HTCondor would take this variable for a setting; what it tells its own jobs is none."""
    upper = name.upper()
    return upper.startswith("_CONDOR_") and not upper.startswith(_TOLD_TO_JOBS)
