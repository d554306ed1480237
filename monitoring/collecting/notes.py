"""What is wrong and does not stop the rest, in words: kept in the store, for the page to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Notes"]


class Notes:
    """Notes of one collector; those about a state of things stand until that has passed.

    Args:
        connection: of the store.

    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._standing: set[str] | None = None

    def say(self, source: str, text: str, at: float, *, standing: bool = False) -> None:
        """Write a note down, or count it once more.

        Args:
            source: what it is about: a file, a site, an endpoint.
            text: what is wrong, where, and what follows; the same words for the same thing.
            at: when, seconds since the epoch.
            standing: whether it is a state of things, which `settle` ends.

        """
        if standing and self._standing is not None:
            self._standing.add(source)
        self._connection.execute(
            "INSERT INTO notes VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (source, text) DO UPDATE SET "
            "last_at = excluded.last_at, times = times + 1, standing = excluded.standing",
            (source, text, at, at, standing),
        )

    def settle(self, source: str, *texts: str) -> None:
        """End the standing notes about something, but for those with these texts."""
        if self._standing is None:
            self._standing = {row[0] for row in self._connection.execute("SELECT source FROM notes WHERE standing")}
        # Most things are as they should be, and are asked about most often: each of 100,000 records is.
        if source not in self._standing:
            return
        marks = ", ".join("?" * len(texts))
        self._connection.execute(
            f"UPDATE notes SET standing = 0 WHERE source = ? AND standing AND text NOT IN ({marks})",
            (source, *texts),
        )
