"""Finds a store that holds all of a campaign for its report: the dashboard's, brought up to date, or one for now."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import JobsError
from monitoring.collect import Collector
from monitoring.errors import StoreBusy, StoreUnusable
from monitoring.panels.shown import Shown
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.layout import CampaignFolder

__all__ = ["campaign_store"]

WAIT_S = 10.0
"""How long another collector may take to get to the newest record, seconds."""


@contextlib.contextmanager
def campaign_store(folder: CampaignFolder, name: str, records: int, wait_s: float = WAIT_S) -> Iterator[Shown]:
    """Give the campaign with a store that has taken every record; nothing is written into the campaign.

    Args:
        folder: of the campaign.
        name: of the campaign.
        records: that it has.
        wait_s: for a collector that is at work, seconds.

    Raises:
        NothingToCollect: the campaign has gone.
        StoreUnusable: not even in the folder for temporary files a store can be made.

    """
    own = Shown(name, folder, find_store(folder, name))
    with contextlib.ExitStack() as opened:
        if not _brought_up_to_date(own, records, wait_s):
            spare = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="sonicgrid-")))
            own = Shown(name, folder, spare / own.store.name)
            _collect(own)
        yield own


def _brought_up_to_date(shown: Shown, records: int, wait_s: float) -> bool:
    """Return whether the campaign's own store has all, by this process or by the one that keeps it."""
    try:
        _collect(shown)
    except StoreBusy:
        return _is_there(shown, records, wait_s)
    except StoreUnusable:
        return False
    return True


def _collect(shown: Shown) -> None:
    with contextlib.closing(Collector(shown.folder, shown.store, embedded_pool=False)) as collector:
        report = collector.catch_up()
    if report.problem:
        raise StoreUnusable(report.problem)


def _is_there(shown: Shown, records: int, wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while True:
        try:
            with shown.reading() as connection:
                taken = connection.execute("SELECT count(*) FROM attempts").fetchone()[0]
        except (JobsError, sqlite3.Error):
            return False
        if taken >= records:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
