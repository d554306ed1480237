"""What was done more than once, and what that cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.trouble import retries_so_far
from monitoring.panels.panel import Fact, Facts, Panel, Source
from monitoring.panels.wording import figure, number_of, percent

if TYPE_CHECKING:
    import sqlite3

    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "retries"]

EVERY_S = 30.0

_MANY = 0.01
"""Requests sent again, of those answered, from which on the pool or the network needs a look."""


def retries(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Sum up attempts beyond the first, the time that failed ones took, and requests that were sent again."""
    del now  # the sums are those of the store
    found = retries_so_far(connection)
    share = found.requests_repeated / found.requests if found.requests else None
    many = share is not None and share > _MANY
    if found.jobs:
        verb = "was" if found.jobs == 1 else "were"
        lost = f"attempts that failed took {figure(found.wall_hours_lost)} hours"
        lead = f"{number_of(found.jobs, 'job')} {verb} tried more than once; {lost}."
    else:
        lead = "No job was tried more than once."
    if share is not None:
        lead += f" {percent(share).capitalize()} of the requests were sent again."
    return Panel(
        "retries",
        "Retries",
        lead,
        Source(
            "Records of all attempts that ended by themselves; those that were killed leave none and are not in it.",
            (str(shown.folder.blocks / "*" / "records"),),
        ),
        Facts(
            (
                Fact("jobs", "jobs retried", found.jobs, note="with more than one attempt"),
                Fact("attempts", "more attempts", found.attempts, note="beyond the first of each job"),
                Fact(
                    "hours_lost",
                    "hours lost",
                    found.wall_hours_lost,
                    "number",
                    note="wall time of attempts that failed",
                ),
                Fact(
                    "repeated_share",
                    "requests repeated",
                    share,
                    "share",
                    note=f"{found.requests_repeated:,} of {found.requests:,}" if found.requests else "no request yet",
                    tone="warn" if many else "",
                ),
            )
        ),
    )
