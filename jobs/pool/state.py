"""What is known about an embedded pool: one file in its folder, from which it comes up again after a reboot."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from jobs.errors import SetupError
from jobs.pool.folders import pool_folder

__all__ = ["PoolState", "find_pool", "read_state", "write_state"]

STATE_FILE = "pool.json"


class PoolState(BaseModel):
    """One embedded pool, written by ``pool up``; it stays when the pool is down."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    folder: str
    """Absolute path of the pool's folder."""
    condor_config: str
    """Configuration file of HTCondor's commands and of the Python bindings: the value for CONDOR_CONFIG."""
    condor_bin: str
    """Folder of HTCondor's commands."""
    condor_libexec: str
    """Folder of condor_chirp."""
    condor_version: str
    port: PositiveInt
    """TCP port on loopback of the collector; every other daemon is reached through it."""
    user: str
    """Owner of the jobs in the queue."""
    sites: dict[str, PositiveInt]
    """Slots of each site that the pool plays, by the name that they advertise as GLIDEIN_Site."""
    endpoints: list[str] = []
    """Inference endpoints as host:port, the load balancer's first; empty where no server was asked for."""
    servers: int = 0
    """Triton servers behind the endpoint."""
    access: str = ""
    """File that says who may send requests (`jobs.pool.access`); empty lets in everybody on this machine."""


def read_state(folder: Path) -> PoolState | None:
    """Return what was written about the pool in this folder, or None where none was ever up.

    Raises:
        SetupError: the file is there and is not what this version writes.
    """
    path = folder / STATE_FILE
    try:
        return PoolState.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise SetupError(f"cannot read {path}: {exc.strerror}") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{path}: {where}: {first['msg']} (`sonicgrid pool down`, then delete that file)"
        raise SetupError(message) from exc


def write_state(state: PoolState) -> None:
    """Write the state into its pool's folder, whole or not at all."""
    path = Path(state.folder) / STATE_FILE
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def find_pool(folder: Path | None = None) -> PoolState | None:
    """Return the embedded pool that commands should use, up or down.

    None means that jobs go to the user's own HTCondor: CONDOR_CONFIG is set by somebody else, or no embedded pool was
    ever made. A folder in the argument or in SONICGRID_POOL wins over CONDOR_CONFIG.

    Raises:
        SetupError: the pool's state file cannot be read.
    """
    state = read_state(pool_folder(folder))
    foreign = os.environ.get("CONDOR_CONFIG")
    # HTCondor's bindings set it to /dev/null when they are imported where there is no configuration.
    foreign = None if foreign == os.devnull else foreign
    asked_for = folder is not None or bool(os.environ.get("SONICGRID_POOL"))
    if state is not None and foreign and not asked_for and Path(foreign) != Path(state.condor_config):
        return None
    return state
