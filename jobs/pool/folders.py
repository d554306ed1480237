"""Where the embedded pool and its programs lie, and how two commands on one folder stay out of each other's way."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.layout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["only_one", "pool_folder", "runtime_folder"]


def runtime_folder() -> Path:
    """Return where HTCondor, Triton and Envoy are unpacked: SONICGRID_RUNTIME, else ``.runtime`` in the checkout."""
    return Path(os.environ.get("SONICGRID_RUNTIME") or CHECKOUT / ".runtime").expanduser().resolve()


def pool_folder(folder: Path | None = None) -> Path:
    """Return the pool's folder: the argument, else SONICGRID_POOL, else ``pool`` in the runtime folder."""
    return Path(folder or os.environ.get("SONICGRID_POOL") or runtime_folder() / "pool").expanduser().absolute()


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Wait until no other process holds this lock file, and hold it; a killed holder's lock is free at once.

    Raises:
        SetupError: the folder of the lock cannot be written.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as exc:
        message = (
            f"cannot write {lock.parent}: {exc.strerror} (set SONICGRID_RUNTIME or SONICGRID_POOL to a folder of yours)"
        )
        raise SetupError(message) from exc
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
