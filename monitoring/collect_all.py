"""Follows many campaigns in one process, beside the dashboard: `python -m monitoring.collect_all --results FOLDER`.

One campaign never stops the others: whatever cannot be collected now is said once, and tried again later.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.cli.output import print_error
from jobs.errors import JobsError
from jobs.layout import CampaignFolder
from jobs.running.queue import open_queue
from monitoring.collect import TICK_S, Collector
from monitoring.find_campaigns import CampaignFinder
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.running.queue import Queue
    from monitoring.find_campaigns import FoundCampaign

__all__ = ["Collectors", "main"]

LOOK_EVERY_S = 5.0
"""Time between two looks for new campaigns, seconds."""

TRY_AGAIN_S = 15.0
"""Time after which a campaign that could not be collected is tried again, seconds."""

_NICE = 5
"""The page comes first where there are few cores."""


class Collectors:
    """One collector per campaign; used by one thread.

    Args:
        finder: of the campaigns.
        store_folder: where the stores lie; None for the user's own folder.
        metrics_urls: further pages in the format of Prometheus.
        queue: finds HTCondor's queue; None to do without it.
        say: is told what is wrong, once each time it changes.

    """

    def __init__(
        self,
        finder: CampaignFinder,
        store_folder: Path | None,
        metrics_urls: Sequence[str],
        queue: Callable[[], Queue] | None,
        say: Callable[[str], None],
    ) -> None:
        self._finder = finder
        self._store_folder = store_folder
        self._metrics_urls = tuple(metrics_urls)
        self._queue = queue
        self._say = say
        self._at_work: dict[CampaignFolder, Collector] = {}
        self._not_before: dict[CampaignFolder, float] = {}
        self._said: dict[CampaignFolder, str] = {}
        self._look_at = 0.0

    def tick(self) -> bool:
        """Let each collector take some of what is new; returns whether there is more to be taken at once."""
        if time.monotonic() >= self._look_at:
            self._look()
            self._look_at = time.monotonic() + LOOK_EVERY_S
        behind = False
        for folder, collector in list(self._at_work.items()):
            try:
                report = collector.tick()
            except Exception as error:  # noqa: BLE001 - one campaign must not stop the others
                self._leave(folder, error)
            else:
                self._tell(folder, report.problem)
                behind |= report.behind and not report.problem
        return behind

    def close(self) -> None:
        """Let go of all stores."""
        for collector in self._at_work.values():
            collector.close()
        self._at_work.clear()

    def _look(self) -> None:
        found, unusable = self._finder.look()
        for one in unusable:
            self._tell(one.folder, f"{one.folder.root}: {one.why}")
        for campaign in found:
            if campaign.folder not in self._at_work and time.monotonic() >= self._not_before.get(campaign.folder, 0.0):
                self._begin(campaign)

    def _begin(self, campaign: FoundCampaign) -> None:
        try:
            store = find_store(campaign.folder, campaign.name, self._store_folder)
            collector = Collector(campaign.folder, store, metrics_urls=self._metrics_urls, queue=self._queue)
        except Exception as error:  # noqa: BLE001 - one campaign must not stop the others
            self._leave(campaign.folder, error)
        else:
            self._at_work[campaign.folder] = collector
            self._tell(campaign.folder, "")

    def _leave(self, folder: CampaignFolder, error: Exception) -> None:
        """Give a campaign up for now; StoreBusy is one of the reasons."""
        collector = self._at_work.pop(folder, None)
        if collector is not None:
            collector.close()
        self._not_before[folder] = time.monotonic() + TRY_AGAIN_S
        if isinstance(error, JobsError):
            self._tell(folder, f"{error} (the other campaigns go on; this one is tried again)")
        else:
            what = "".join(traceback.format_exception(error)).rstrip()
            self._tell(folder, f"{folder.root}: collecting failed, and is tried again:\n{what}")

    def _tell(self, folder: CampaignFolder, problem: str) -> None:
        if problem and self._said.get(folder) != problem:
            self._say(problem)
        self._said[folder] = problem


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect until SIGTERM, Ctrl-C or the end of the process that began it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.collect_all", description="Follow many campaigns.")
    parser.add_argument("folder", nargs="*", type=Path, help="results folder of a campaign")
    parser.add_argument("--results", type=Path, help="folder below which every campaign is followed")
    parser.add_argument("--store-folder", type=Path, help="where the stores lie; by default in XDG_STATE_HOME")
    parser.add_argument("--metrics-url", action="append", default=[], help="a page in the format of Prometheus")
    parser.add_argument("--every", type=float, default=TICK_S, help="seconds between two ticks")
    parser.add_argument("--until-end-of-input", action="store_true", help="end when standard input does")
    options = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    if options.until_end_of_input:
        threading.Thread(target=_wait_for_end_of_input, args=(over,), daemon=True).start()
    os.nice(_NICE)
    finder = CampaignFinder([CampaignFolder(folder) for folder in options.folder], options.results)
    collectors = Collectors(finder, options.store_folder, options.metrics_url, open_queue, print_error)
    try:
        while not over.is_set():
            if not collectors.tick():
                over.wait(options.every)
    finally:
        collectors.close()
    return 0


def _wait_for_end_of_input(over: threading.Event) -> None:
    """Standard input is a pipe that nobody writes into; the kernel closes it whatever ends the process at its head."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    over.set()


if __name__ == "__main__":
    sys.exit(main())
