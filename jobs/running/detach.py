"""A campaign's driver as a job of HTCondor's own, of the local universe: it outlives the login and a reboot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jobs.running.describe import describe_driver
from jobs.running.driver import driver_command
from jobs.running.queue import open_queue

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["submit_driver"]

_PASSED = ("CONDOR_CONFIG", "HOME", "LANG", "PATH")


def submit_driver(spec: Path, sites_folder: Path, folder: CampaignFolder) -> int:
    """Hand the driver to HTCondor and return its cluster.

    Raises:
        PoolError: HTCondor does not answer or refuses.

    """
    folder.root.mkdir(parents=True, exist_ok=True)
    queue = open_queue()
    command = driver_command(spec, sites_folder, folder)
    # A job starts with an empty environment; the driver needs what decides which pool and which programs it finds.
    variables = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith("SONICGRID_")}
    return queue.submit(describe_driver(folder, command, variables))
