"""Where the jobs of a campaign stand: now, and at every moment since it began."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jobs.states import DISPLAY_ORDER, FINAL

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.bins import Bins

__all__ = ["By", "StateCount", "StateSeries", "campaign_began", "campaign_ended", "count_states", "states_over_time"]

By = Literal["", "site", "flavour", "block"]
"""What jobs are told apart by; nothing, for the campaign as a whole."""


@dataclass(frozen=True)
class StateCount:
    """Jobs of one group in one state.

    Attributes:
        group: site (empty before a job has one), flavour, or number of the block.
        state: a `JobState`.
        jobs: how many.
        events: of the manifest, in these jobs.

    """

    group: str
    state: str
    jobs: int
    events: int


@dataclass(frozen=True)
class StateSeries:
    """Jobs of one group in one state over time.

    Attributes:
        group, state: as of `StateCount`.
        jobs: at the end of each bin.

    """

    group: str
    state: str
    jobs: tuple[int, ...]


def count_states(connection: sqlite3.Connection, by: By = "") -> list[StateCount]:
    """Count the jobs now; over all groups and states, they are those of the manifest. In the order of display."""
    if by == "block":
        rows = connection.execute("SELECT block, state, count(*), sum(events) FROM jobs GROUP BY 1, 2")
    else:
        # In the order of the index first: SQLite counts along it, and sorts nothing.
        rows = connection.execute(
            f"SELECT {by or repr('')}, state, sum(jobs), sum(events) FROM ("
            "SELECT state, site, flavour, count(*) AS jobs, sum(events) AS events FROM jobs GROUP BY 1, 2, 3"
            ") GROUP BY 1, 2"
        )
    counts = [StateCount(str(row[0]), row[1], row[2], row[3]) for row in rows]
    return sorted(counts, key=lambda count: (_order(by, count.group), _DISPLAY.get(count.state, 99)))


def campaign_ended(connection: sqlite3.Connection) -> float | None:
    """Return when the last job was done or failed, seconds since the epoch; None while there are others."""
    marks = ", ".join("?" * len(FINAL))
    others, last = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM jobs WHERE state NOT IN ({marks})), max(at) FROM changes WHERE bin_s = 60",
        tuple(FINAL),
    ).fetchone()
    return None if others or last is None else float(last) + 60.0


def states_over_time(connection: sqlite3.Connection, bins: Bins, by: By = "", site: str = "") -> list[StateSeries]:
    """Count the jobs at the end of each bin: from the counts of now, back over all that has changed since.

    For blocks, a bin is at least a minute.

    Args:
        connection: of the store.
        bins: of the plot.
        by: what jobs are told apart by.
        site: whose jobs are counted, with `by` the site; all by default.

    """
    now: dict[tuple[str, str], int] = {
        (c.group, c.state): c.jobs for c in count_states(connection, by) if site in ("", c.group)
    }
    moved: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (len(bins.starts) + 1))
    if by == "block":
        rows = connection.execute("SELECT block, state, at, jobs FROM block_changes WHERE at >= ?", (bins.starts[0],))
    else:
        rows = connection.execute(
            f"SELECT {by or repr('')}, state, at, sum(jobs) FROM changes "
            f"WHERE bin_s = ? AND at >= ? {'AND site = ?' if site else ''} GROUP BY 1, 2, 3",
            (bins.of_store_s, bins.starts[0], *([site] if site else [])),
        )
    for group, state, at, jobs in rows:
        moved[str(group), state][min(bins.place(at), len(bins.starts))] += jobs
    series = []
    for group, state in sorted({*now, *moved}, key=lambda key: (_order(by, key[0]), _DISPLAY.get(key[1], 99))):
        count = now.get((group, state), 0)
        counts = []
        changes = moved[group, state]
        count -= changes[-1]
        for change in reversed(changes[:-1]):
            counts.append(count)
            count -= change
        if any(counts):
            series.append(StateSeries(group, state, tuple(reversed(counts))))
    return series


def campaign_began(connection: sqlite3.Connection) -> float | None:
    """Return when the first job came up, seconds since the epoch; None before that."""
    found = connection.execute("SELECT min(at) FROM changes WHERE bin_s = 60").fetchone()[0]
    return None if found is None else float(found)


_DISPLAY = {str(state): place for place, state in enumerate(DISPLAY_ORDER)}


def _order(by: By, group: str) -> tuple[int, str]:
    return (int(group), "") if by == "block" else (0, group)
