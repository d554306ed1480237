"""A campaign as the panels see it: its name in addresses, its folder, its store, and which stretch of time is asked."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.live.bins import Span, whole_span
from monitoring.live.states import campaign_began, campaign_ended
from monitoring.store.open import open_reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["Shown"]

AFTER_S = 30.0
"""Of a campaign that is through, plots show so much more: its last heartbeats, and that there was nothing after."""


@dataclass(frozen=True)
class Shown:
    """One campaign.

    Attributes:
        name: in addresses; one of a kind on a dashboard.
        folder: of its results.
        store: the file.
        last_s: seconds until now that plots cover; None for the whole campaign.
        every_row: whether tables are to have all of their rows, for a file, or as many as one reads on a page.

    """

    name: str
    folder: CampaignFolder
    store: Path
    last_s: float | None = None
    every_row: bool = False

    @property
    def path(self) -> str:
        """Address of the campaign's page, relative to the root of the dashboard."""
        return f"c/{self.name}"

    def at_most(self, rows: int) -> int:
        """Return how many rows a table has at most that has so many on a page."""
        return sys.maxsize if self.every_row else rows

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read the store, as it is at one moment, from any thread.

        Raises:
            StoreUnusable: there is none yet, or it is damaged or of another version.

        """
        with contextlib.closing(open_reader(self.store)) as connection:
            connection.execute("BEGIN")
            yield connection

    def span(self, connection: sqlite3.Connection, now: float) -> Span:
        """Return the stretch of time that is asked; `now` in seconds since the epoch.

        The whole of a campaign that is through ends with it.
        """
        ended = campaign_ended(connection)
        until = now if ended is None else min(now, ended + AFTER_S)
        whole = whole_span(campaign_began(connection), until)
        if self.last_s is None:
            return whole
        return Span(min(now - 1.0, max(whole.begin, now - self.last_s)), now)
