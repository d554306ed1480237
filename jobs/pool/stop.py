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

PATIENCE_S = 20.0
"""How long HTCondor gets to stop its jobs and to close its queue, before it is killed."""


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
            with contextlib.suppress(psutil.NoSuchProcess):
                head.send_signal(signal.SIGQUIT)  # HTCondor's word for "now": SIGTERM would wait for the jobs
        end_processes(processes, PATIENCE_S if head is not None else 0)
        late = pool_processes(files)
        end_processes(late, patience_s=0)
        return len(processes) + len(late)
