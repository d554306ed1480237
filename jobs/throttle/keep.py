"""Keeps a campaign inside its sites' budgets while it runs: looks, decides, acts, again and again.

One process at a time does this for a campaign, whoever gets its lock: the driver's own, or else one of those that watch
a block. When nobody does, everything stays at the last limits, which are safe.
"""

from __future__ import annotations

import argparse
import fcntl
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import CampaignError, JobsError, PoolError
from jobs.layout import CampaignFolder
from jobs.running.lock import find_driver
from jobs.throttle.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LOOK_S", "Shift", "keep"]

LOOK_S = 2.0
"""Time between two looks, seconds."""

WORK_PART = 0.1
"""A look that takes long is followed by a longer pause, so that the schedd is never busy with this alone."""


class Shift:
    """Takes the throttle over where nobody has it, and looks when it is time; cheap to call often."""

    def __init__(self, folder: CampaignFolder, sites_folder: Path) -> None:
        self._folder = folder
        self._sites_folder = sites_folder
        self._keeper: Keeper | None = None
        self._due = 0.0

    def look_if_due(self) -> bool:
        """Look if this process has the throttle and it is time; returns whether this process has it.

        Raises:
            JobsError: what the keeper cannot get over by itself.

        """
        if self._keeper is None or time.monotonic() < self._due:
            return self._keeper is not None
        started = time.monotonic()
        try:
            self._keeper.look()
        except (PoolError, CampaignError) as error:
            # HTCondor restarts, or a disk is full: limits and jobs stay as they are, and the next look may be better.
            with suppress(CampaignError):
                self._keeper.note_problem(str(error))
        took = time.monotonic() - started
        self._due = time.monotonic() + max(LOOK_S, took / WORK_PART)
        return True

    @contextmanager
    def on(self) -> Iterator[Shift]:
        """Hold the throttle for as long as it is free: tried at once, and by `try_to_take` later."""
        self._folder.root.mkdir(parents=True, exist_ok=True)
        with self._folder.throttle_lock.open("a") as lock:
            self._lock = lock
            self.try_to_take()
            yield self

    def try_to_take(self) -> bool:
        """Take the throttle over if nobody has it and HTCondor answers; returns whether this process has it now.

        Raises:
            JobsError: the campaign's files cannot be read, or a site config asks for what the pool does not give.

        """
        if self._keeper is None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            try:
                self._keeper = Keeper(self._folder, self._sites_folder)
            except PoolError:
                # Not up yet, or restarting: the next try may find it, here or in another process.
                fcntl.flock(self._lock, fcntl.LOCK_UN)
                return False
        return True


def keep(folder: CampaignFolder, sites_folder: Path) -> None:
    """Keep the throttle until the campaign has no driver any more.

    Raises:
        JobsError: the campaign's files cannot be read, or a site config asks for what the pool does not give.

    """
    while not folder.manifest.exists():
        if find_driver(folder) is None:
            return
        time.sleep(0.2)
    with Shift(folder, sites_folder).on() as shift:
        while find_driver(folder) is not None:
            if not shift.try_to_take() or not shift.look_if_due():
                time.sleep(LOOK_S)
            time.sleep(0.2)


def main() -> None:
    """Keep one campaign's throttle; run by its driver."""
    parser = argparse.ArgumentParser(prog="python -m jobs.throttle.keep", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    parser.add_argument("--sites-folder", type=Path, required=True, help="the folder of site configs")
    arguments = parser.parse_args()
    try:
        keep(CampaignFolder(arguments.folder.resolve()), arguments.sites_folder.resolve())
    except (JobsError, CampaignError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
