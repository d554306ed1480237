"""A pool for the time of a benchmark: HTCondor without inference servers, in a folder that goes with it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from jobs.pool.client import enter_pool
from jobs.pool.config import PoolFiles
from jobs.pool.down import pool_down
from jobs.pool.folders import pool_folder
from jobs.pool.processes import daemons
from jobs.pool.up import pool_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from jobs.pool.state import PoolState

__all__ = ["SITE", "own_pool", "pool_cpu_s"]

SITE = "bench"
"""The site that the pool's slots advertise."""


@contextmanager
def own_pool(slots: int, say: Callable[[str], None]) -> Iterator[tuple[PoolState, Path]]:
    """Have a pool that this process and its children talk to; it is stopped and deleted whatever happens.

    Args:
        slots: static one-core slots.
        say: takes lines of progress.

    Yields:
        The pool, and a folder for the benchmark's own files, on the same file system.

    Raises:
        SetupError: HTCondor cannot be installed or started.

    """
    # SIGTERM would end Python without a `finally`, and leave the daemons behind.
    signal.signal(signal.SIGTERM, _exit)
    with tempfile.TemporaryDirectory(prefix="sonicgrid-benchmark-", ignore_cleanup_errors=True) as name:
        folder = Path(name) / "pool"
        os.environ["SONICGRID_POOL"] = str(folder)
        try:
            state = pool_up(folder, sites={SITE: slots}, servers=0, report=say)
            enter_pool()
            yield state, Path(name)
        finally:
            say("stopping the pool")
            pool_down(folder)


def pool_cpu_s() -> float:
    """Return the CPU time that this process's pool has used so far, seconds: daemons, and jobs that have ended."""
    total = 0.0
    for process in daemons(PoolFiles(pool_folder())):
        with suppress(psutil.Error):
            # What an ended shadow, starter or job has used is its parent's, once the parent has taken notice.
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
