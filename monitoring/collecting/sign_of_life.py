"""Every few seconds the collector says in the store that it is there, so that a page knows how old its numbers are."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from monitoring.store.open import transaction

if TYPE_CHECKING:
    import sqlite3

__all__ = ["NAME", "SIGN_EVERY_S", "SignOfLife"]

NAME = "collector"
"""Of the row in the table `latest`."""

SIGN_EVERY_S = 3.0


class SignOfLife:
    """Of one collector."""

    def __init__(self) -> None:
        self._due_at = 0.0
        self._behind = False

    def give(self, connection: sqlite3.Connection, *, behind: bool) -> None:
        """Write when and by whom the store was brought up to date, if that was not said just now.

        Args:
            connection: of the store, in no transaction.
            behind: whether there is more in the logs than was taken so far.

        """
        now = time.monotonic()
        if now < self._due_at and behind == self._behind:
            return
        at = time.time()
        text = json.dumps({"at": at, "pid": os.getpid(), "behind": behind})
        with transaction(connection):
            connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", (NAME, at, text))
        self._due_at, self._behind = now + SIGN_EVERY_S, behind
