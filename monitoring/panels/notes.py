"""What the collector found wrong in logs, records, clocks and servers, and went on in spite of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.trouble import notes as read_notes
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "notes"]

EVERY_S = 5.0


def notes(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel | None:
    """Return what the collector noted, what stands first; None if it noted nothing."""
    del now  # notes have their own times
    found = read_notes(connection)
    if not found:
        return None
    standing = [note for note in found if note.standing]
    if standing:
        lead = (
            f"{number_of(len(standing), 'thing')} {'is' if len(standing) == 1 else 'are'} wrong now: {standing[0].text}"
        )
    else:
        lead = f"Nothing is wrong now; {number_of(len(found), 'thing')} {'was' if len(found) == 1 else 'were'} before."
    return Panel(
        "notes",
        "What the collector noted",
        lead,
        Source("Notes of the collector, while it read logs, records, metrics and the queue.", (str(shown.store),)),
        Table(
            (
                Column("standing", "Is it so now", tone="tone"),
                Column("text", "What, where, what to do"),
                Column("times", "Times", "count"),
                Column("first_at", "First", "time"),
                Column("last_at", "Last", "time"),
                Column("tone", ""),
            ),
            tuple(
                (
                    "yes" if note.standing else "no",
                    note.text,
                    note.times,
                    note.first_at,
                    note.last_at,
                    "warn" if note.standing else "",
                )
                for note in found
            ),
        ),
        tone="warn" if standing else "",
    )
