"""Keeps a campaign's store fresh while somebody looks: by the collector that is at work, or by one of its own."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from jobs.errors import JobsError
from jobs.manifest import read_manifest
from jobs.running.queue import open_queue
from jobs.states import FINAL
from monitoring.collect import Collector
from monitoring.errors import StoreBusy, StoreUnusable
from monitoring.live.states import count_states
from monitoring.panels.shown import Shown
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from jobs.layout import CampaignFolder
    from jobs.running.queue import Queue

__all__ = ["Feed"]

TICK_S = 1.0
TRY_AGAIN_S = 5.0
"""How often it is tried to collect, where another process does: that one may end."""

SETTLE_S = 15.0
"""Longest wait at the end for what was written last, seconds."""

_CLOSE_S = 5.0
"""What is asked over the network may take longer to answer than somebody who has pressed Ctrl-C waits."""


class Feed:
    """Collects in a thread of its own, unless another process does.

    Args:
        folder: of a planned campaign.
        queue: finds HTCondor's queue; None to do without it.
        embedded_pool: whether the embedded pool's servers are asked.

    Attributes:
        shown: the campaign, for those who make panels.
        problem: what keeps numbers from coming, in words; empty if nothing does.

    Raises:
        CampaignError: the campaign's manifest cannot be read.

    """

    def __init__(
        self, folder: CampaignFolder, *, queue: Callable[[], Queue] | None = open_queue, embedded_pool: bool = True
    ) -> None:
        name = read_manifest(folder.manifest).campaign
        self._folder = folder
        self._queue, self._embedded_pool = queue, embedded_pool
        self._spare: tempfile.TemporaryDirectory[str] | None = None
        self.shown = Shown(name, folder, find_store(folder, name))
        self.problem = ""
        self._ticked_at: float | None = None
        self._collects = False
        self._everything = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="collect", daemon=True)

    def __enter__(self) -> Self:
        """Begin to collect."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop collecting; what was kept stays for the next one."""
        self._stop.set()
        self._thread.join(_CLOSE_S)
        if self._spare is not None:
            self._spare.cleanup()

    def heard_at(self) -> float | None:
        """Return when the store was last written, by whomever; seconds since the epoch, None if it never was."""
        heard = self._ticked_at
        try:
            with self.shown.reading() as connection:
                row = connection.execute("SELECT json FROM latest WHERE name = 'collector'").fetchone()
            at = float(json.loads(row[0])["at"]) if row else max(map(_changed_at, self._files()))
            return max(at, heard or 0.0)
        except (JobsError, sqlite3.Error, OSError, KeyError, ValueError, TypeError):
            return heard

    def settle(self, longest_s: float = SETTLE_S) -> None:
        """Wait until all that is there now has been collected, or for so many seconds."""
        self._everything.set()
        until = time.monotonic() + longest_s
        while self._everything.is_set() and self._thread.is_alive() and time.monotonic() < until:
            if self._collects or not self._all_ended():
                time.sleep(0.1)
            else:
                return

    def _all_ended(self) -> bool:
        """Return whether the store knows the end of every job: all that one can see of another's collector."""
        try:
            with self.shown.reading() as connection:
                return all(count.state in FINAL for count in count_states(connection))
        except (JobsError, sqlite3.Error):
            return False

    def _files(self) -> tuple[Path, Path]:
        return self.shown.store, self.shown.store.with_name(self.shown.store.name + "-wal")

    def _work(self) -> None:
        collector: Collector | None = None
        wait_s = 0.0
        try:
            while not self._stop.wait(wait_s):
                if collector is None:
                    collector = self._open()
                    self._collects = collector is not None
                    wait_s = TRY_AGAIN_S if collector is None else 0.0
                else:
                    wait_s = self._tick(collector)
        except JobsError as error:
            self.problem = str(error)
        finally:
            if collector is not None:
                collector.close()

    def _open(self) -> Collector | None:
        """Return a collector; None where another process collects."""
        try:
            return Collector(self._folder, self.shown.store, queue=self._queue, embedded_pool=self._embedded_pool)
        except StoreBusy:
            return None
        except StoreUnusable:
            if self._spare is not None:
                raise
            # A home that is full or not writable: what is seen now is worth more than what is kept.
            self._spare = tempfile.TemporaryDirectory(prefix="sonicgrid-", ignore_cleanup_errors=True)
            store = Path(self._spare.name) / self.shown.store.name
            self.shown = Shown(self.shown.name, self._folder, store)
            return self._open()

    def _tick(self, collector: Collector) -> float:
        """Take what is new; return how long to wait for the next time, seconds."""
        everything = self._everything.is_set()
        report = collector.catch_up() if everything else collector.tick()
        self.problem = report.problem
        if not report.problem:
            self._ticked_at = time.time()
        if everything:
            self._everything.clear()
        return 0.0 if report.behind and not report.problem else TICK_S


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
