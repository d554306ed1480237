"""Follows a campaign into its store, whatever is restarted: `python -m monitoring.collect CAMPAIGN` in the foreground.

Positions in the logs and what follows from them are committed together, so that a collector that is killed at any
moment neither loses an event nor counts one twice. It writes nothing into the campaign.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.cli.output import print_error
from jobs.cli.target import find_folder
from jobs.errors import CampaignError, JobsError
from jobs.manifest import read_manifest
from jobs.running.queue import open_queue
from monitoring.collecting.batch import begin_batch
from monitoring.collecting.begin_store import begin_store, facts_of
from monitoring.collecting.follow_blocks import BlocksFollower
from monitoring.collecting.look_around import Surroundings
from monitoring.collecting.sign_of_life import SignOfLife
from monitoring.errors import NothingToCollect, StoreUnusable
from monitoring.store.open import LOST, open_writer, set_aside, writer_lock
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.layout import CampaignFolder
    from jobs.manifest import Manifest
    from jobs.running.queue import Queue

__all__ = ["Collector", "TickReport", "main"]

TICK_S = 2.0
"""Time between two ticks in the foreground, seconds."""

LONGEST_TICK_S = 0.15
"""Time after which a tick leaves what there is more in the logs for the next one, seconds."""


@dataclass(frozen=True)
class TickReport:
    """What one tick did.

    Attributes:
        events: of HTCondor's logs that were taken.
        records: that were taken.
        behind: whether more is there to be taken at once.
        took_s: how long it took.
        problem: why nothing could be kept; empty if it could. The next tick tries again.

    """

    events: int
    records: int
    behind: bool
    took_s: float
    problem: str = ""


class Collector:
    """Follows one campaign; used by one thread at a time.

    Args:
        folder: of the campaign.
        store: the file; None for the user's own folder of stores.
        metrics_urls: further pages in the format of Prometheus.
        queue: finds HTCondor's queue; None to do without it.
        embedded_pool: whether the embedded pool's servers are asked for their metrics.

    Attributes:
        store: the file.
        connection: to it; of the thread that ticks.

    Raises:
        NothingToCollect: the folder holds no planned campaign.
        StoreBusy: another process collects it.
        StoreUnusable: the store cannot be made.

    """

    def __init__(
        self,
        folder: CampaignFolder,
        store: Path | None = None,
        *,
        metrics_urls: Sequence[str] = (),
        queue: Callable[[], Queue] | None = None,
        embedded_pool: bool = True,
    ) -> None:
        manifest = _read(folder)
        self.folder = folder
        self.store = store or find_store(folder, manifest.campaign)
        self._held = contextlib.ExitStack()
        self._held.enter_context(writer_lock(self.store))
        self._around = Surroundings(folder, metrics_urls, queue, embedded_pool=embedded_pool)
        self._held.callback(self._around.close)
        self._alive = SignOfLife()
        try:
            self._begin(manifest)
        except BaseException:
            self._held.close()
            raise

    def tick(self, *, longest_s: float = LONGEST_TICK_S) -> TickReport:
        """Take what is new; the rest, if there is much, is left for the next tick.

        Raises:
            NothingToCollect: the campaign has gone.
            StoreUnusable: the store was damaged and cannot be made anew.

        """
        began = time.monotonic()
        events = records = 0
        behind, problem = True, ""
        try:
            self._look_at_manifest()
            events, records, behind = self._blocks.follow(until=began + longest_s)
            self._around.look(self.connection)
            self._alive.give(self.connection, behind=behind)
        except sqlite3.OperationalError as error:
            # Whatever was begun is rolled back; what was to be taken is still in the campaign.
            problem = f"{self.store}: cannot be written now: {error}; free some space, or see who locks it"
        except sqlite3.DatabaseError as error:
            self._begin_again(f"the store is damaged ({error})")
        return TickReport(events, records, behind, time.monotonic() - began, problem)

    def catch_up(self, say: Callable[[TickReport], None] | None = None) -> TickReport:
        """Take everything that is there now.

        Args:
            say: is told of every tick.

        Returns:
            The sum of all ticks.

        """
        began = time.monotonic()
        events = records = 0
        self._blocks.look_everywhere()
        while True:
            report = self.tick(longest_s=1.0)
            events, records = events + report.events, records + report.records
            if say:
                say(report)
            if report.problem or not report.behind:
                return TickReport(events, records, report.behind, time.monotonic() - began, report.problem)

    def close(self) -> None:
        """Let go of the store; what was committed stays."""
        self.connection.close()
        self._held.close()

    def _begin(self, manifest: Manifest, note: str = "") -> None:
        opened = open_writer(self.store, facts_of(manifest, str(self.folder.root.resolve())))
        self.connection = opened.connection
        self._digest, self._seen = manifest.digest, self.folder.manifest.stat().st_mtime_ns
        try:
            begin_store(self.connection, manifest)
            if note or opened.note:
                with begin_batch(self.connection, time.time()) as batch:
                    batch.notes.say("store", note or opened.note, batch.now)
            self._blocks = BlocksFollower(self.connection, self.folder, manifest)
        except sqlite3.Error as error:
            self.connection.close()
            message = f"{self.store}: the store cannot be written: {error}; free some space, or name another folder"
            raise StoreUnusable(message) from error

    def _begin_again(self, why: str) -> None:
        self.connection.close()
        aside = set_aside(self.store)
        self._begin(_read(self.folder), f"{self.store}: {why}; set aside as {aside.name}, and {LOST}")

    def _look_at_manifest(self) -> None:
        try:
            seen = self.folder.manifest.stat().st_mtime_ns
        except OSError as error:
            message = f"{self.folder.root}: the campaign has gone ({error.strerror}); its store stays: {self.store}"
            raise NothingToCollect(message) from error
        if seen != self._seen and _read(self.folder).digest != self._digest:
            self._begin_again("the campaign was planned anew")
        self._seen = seen


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect until Ctrl-C, or once; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.collect", description="Follow campaigns into stores.")
    parser.add_argument("campaign", nargs="+", help="spec, results folder, or name of a campaign")
    parser.add_argument("--store-folder", type=Path, help="where the stores lie; by default in XDG_STATE_HOME")
    parser.add_argument("--metrics-url", action="append", default=[], help="a page in the format of Prometheus")
    parser.add_argument("--every", type=float, default=TICK_S, help="seconds between two ticks")
    parser.add_argument("--once", action="store_true", help="take what is there and end")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as opened:
        try:
            collectors = [_open(find_folder(campaign), options) for campaign in options.campaign]
            for collector in collectors:
                opened.callback(collector.close)
                _tell(collector, collector.catch_up())
            while not options.once:
                time.sleep(options.every)
                for collector in collectors:
                    report = collector.tick()
                    if report.problem:
                        print_error(report.problem)
        except JobsError as error:
            print_error(str(error))
            return error.exit_code
        except KeyboardInterrupt:
            return 0
    return 0


def _open(folder: CampaignFolder, options: argparse.Namespace) -> Collector:
    store = find_store(folder, _read(folder).campaign, options.store_folder)
    return Collector(folder, store, metrics_urls=options.metrics_url, queue=open_queue)


def _tell(collector: Collector, report: TickReport) -> None:
    sys.stdout.write(
        f"{collector.folder.root}: {report.events} events and {report.records} records in {report.took_s:.1f} s; "
        f"{collector.store}\n"
    )
    if report.problem:
        print_error(report.problem)


def _read(folder: CampaignFolder) -> Manifest:
    try:
        return read_manifest(folder.manifest)
    except CampaignError as error:
        if folder.manifest.exists():
            raise
        what = "has no manifest yet" if folder.root.is_dir() else "is no folder of a campaign"
        message = f"{folder.root}: {what}; run `sonicgrid submit` with the campaign's spec first"
        raise NothingToCollect(message) from error


if __name__ == "__main__":
    sys.exit(main())
