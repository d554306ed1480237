"""Sums over time of what heartbeats and records say, by site and flavour, in bins that a plot can show.

A heartbeat tells of a stretch of time, and is spread evenly over it; a record tells of an attempt that has ended, and
counts when it ended. The two are never added: each column is from one of them.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from monitoring.store.schema import (
    BIN_S,
    ENDED_COLUMNS,
    FINE_BIN_S,
    KEEP_FINE_S,
    LATENCY_COLUMNS,
    LIVE_COLUMNS,
    TOTAL_BIN_S,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from jobs.heartbeat import Heartbeat

__all__ = ["RollUp"]

_LONGEST_WINDOW_S = 6 * 3600.0
"""A stretch that is longer is taken to be as long as this: bins are made for each of its minutes."""

_PLAIN = tuple(name for name in LIVE_COLUMNS if name not in LATENCY_COLUMNS)
_plain_of = attrgetter(*_PLAIN)
_NO_COUNTS = (0,) * len(LATENCY_COLUMNS)


def _upsert(columns: Sequence[str]) -> str:
    names = ("bin_s", "at", "site", "flavour", *columns)
    sums = ", ".join(f"{name} = {name} + excluded.{name}" for name in columns)
    return (
        f"INSERT INTO rollups ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT (bin_s, at, site, flavour) DO UPDATE SET {sums}"
    )


_ADD_LIVE, _ADD_ENDED = _upsert(LIVE_COLUMNS), _upsert(ENDED_COLUMNS)


class RollUp:
    """Sums of one transaction.

    Args:
        now: seconds since the epoch; what is of the last day goes into finer bins too.

    """

    def __init__(self, now: float) -> None:
        self._fine_from = now - KEEP_FINE_S
        self._groups: dict[tuple[str, str], int] = {}
        # One after the other: a tuple for each heartbeat takes twice as long to make and to put into a table.
        self._beats: list[float] = []
        self._ended: defaultdict[tuple[int, int, str, str], list[float]] = defaultdict(
            lambda: [0.0] * len(ENDED_COLUMNS)
        )

    def add_heartbeat(self, at: float, beat: Heartbeat) -> None:
        """Add what a job said at a moment, seconds since the epoch."""
        group = self._groups.setdefault((beat.site, beat.flavour), len(self._groups))
        counts = beat.latency_counts if len(beat.latency_counts) == len(_NO_COUNTS) else _NO_COUNTS
        self._beats += (at, group)
        self._beats += _plain_of(beat)
        self._beats += counts

    def add_ended(self, at: float, site: str, flavour: str, sums: Sequence[float]) -> None:
        """Add an attempt that ended at a moment, seconds since the epoch; the sums in the order of `ENDED_COLUMNS`."""
        bins = [(width_s, int(at // width_s) * width_s) for width_s in (BIN_S, FINE_BIN_S)]
        for bin_s, begin in [(TOTAL_BIN_S, 0), *(bins if at >= self._fine_from else bins[:1])]:
            row = self._ended[bin_s, begin, site, flavour]
            for place, value in enumerate(sums):
                row[place] += value

    def flush(self, connection: sqlite3.Connection) -> None:
        """Add the sums to those of the store."""
        if self._beats:
            table = np.fromiter(self._beats, np.float64, len(self._beats)).reshape(-1, 2 + len(LIVE_COLUMNS))
            self._add_totals(connection, table)
            self._add_beats(connection, table, BIN_S)
            self._add_beats(connection, table[table[:, 0] >= self._fine_from], FINE_BIN_S)
            self._beats.clear()
        connection.executemany(_ADD_ENDED, ((*key, *row) for key, row in self._ended.items()))
        self._ended.clear()

    def _add_totals(self, connection: sqlite3.Connection, table: NDArray[np.float64]) -> None:
        groups = table[:, 1].astype(np.int64)
        sums = np.stack([np.bincount(groups, column, len(self._groups)) for column in table[:, 2:].T], axis=1)
        rows = zip(self._groups, sums.tolist(), strict=True)
        connection.executemany(_ADD_LIVE, ((TOTAL_BIN_S, 0, *group, *row) for group, row in rows))

    def _add_beats(self, connection: sqlite3.Connection, table: NDArray[np.float64], bin_s: int) -> None:
        if not len(table):
            return
        names = list(self._groups)
        keys, sums = _spread(table, bin_s)
        rows = (
            (bin_s, at * bin_s, *names[group], *row)
            for (group, at), row in zip(keys.tolist(), sums.tolist(), strict=True)
        )
        connection.executemany(_ADD_LIVE, rows)


def _spread(table: NDArray[np.float64], bin_s: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the sums of each group and bin.

    Args:
        table: moment, group and columns of each heartbeat.
        bin_s: width of a bin, seconds.

    Returns:
        Group and number of the bin; the columns' sums.

    """
    until = table[:, 0]
    window_s = np.clip(table[:, 2], 1e-3, _LONGEST_WINDOW_S)
    begin = until - window_s
    first = np.floor(begin / bin_s).astype(np.int64)
    bins = np.floor(until / bin_s).astype(np.int64) - first + 1
    row = np.repeat(np.arange(len(table)), bins)
    number = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(bins) - bins, bins)
    overlap_s = np.minimum(until[row], (number + 1) * bin_s) - np.maximum(begin[row], number * bin_s)
    part = np.clip(overlap_s, 0.0, None) / window_s[row]
    pairs = np.stack([table[row, 1].astype(np.int64), number], axis=1)
    # One integer for the pair sorts ten times as fast as rows do.
    low = int(number.min())
    width = int(number.max()) - low + 1
    codes, place = np.unique(pairs[:, 0] * width + (number - low), return_inverse=True)
    keys = np.stack([codes // width, codes % width + low], axis=1)
    sums = np.zeros((len(codes), table.shape[1] - 2))
    # Most classes of latency are empty, and so are the columns of what seldom happens.
    for column in np.flatnonzero(table[:, 2:].any(axis=0)):
        sums[:, column] = np.bincount(place, part * table[row, 2 + column], len(codes))
    return keys, sums
