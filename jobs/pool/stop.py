"""Bring an embedded pool down: every process ends, the queue stays for the next time."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import psutil

from jobs.pool.config import PoolFiles
from jobs.pool.folders import only_one, pool_folder
from jobs.pool.processes import end_processes, master, pool_processes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["stop_pool"]

SOFT_PATIENCE_S = 20.0
"""Jobs are asked to stop and get 10 s; then HTCondor kills them and notes that they must run again."""

HARD_PATIENCE_S = 10.0
"""For HTCondor to close its queue without waiting for anything, before it is killed."""


def stop_pool(folder: Path | None) -> int:
    """Stop HTCondor in this folder, jobs included, and return how many processes that ended.

    Running jobs go back to idle and start again with the next ``pool up``. A pool that is down is no error.

    Args:
        folder: the pool's folder; None is the default one.

    Raises:
        SetupError: the folder cannot be written.
    """
    files = PoolFiles(pool_folder(folder))
    if not files.condor.is_dir():
        return 0
    with only_one(files.folder / ".lock"):
        head = master(files)
        processes = pool_processes(files)
        if head is not None:
            for number, patience_s in ((signal.SIGTERM, SOFT_PATIENCE_S), (signal.SIGQUIT, HARD_PATIENCE_S)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    head.send_signal(number)
                if not psutil.wait_procs(processes, timeout=patience_s)[1]:
                    break
        end_processes(processes, patience_s=0)
        late = pool_processes(files)
        end_processes(late, patience_s=0)
        return len(processes) + len(late)
