"""All blocks of a campaign, each looked at as often as it may have changed, in transactions of bounded size."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from monitoring.collecting.batch import begin_batch
from monitoring.collecting.take_log import take_log
from monitoring.collecting.take_outcome import outcome_version, take_outcome
from monitoring.collecting.take_records import new_records, take_records

if TYPE_CHECKING:
    import sqlite3

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.manifest import Manifest
    from monitoring.collecting.batch import Batch
    from monitoring.collecting.tail import Position

__all__ = ["BlocksFollower"]

RECORDS_EVERY_S = 10.0
"""Time between two looks into a block's folder of records, and between two at a block that is through."""

_UNSURE_S = 10.0
"""A folder that was changed so lately may change again without its time stamp showing it."""

MOST_EVENTS = 20_000
MOST_RECORDS = 1_000
"""Of one transaction, about."""

_MANY_RECORDS = 100
"""From so many on, a block's jobs are fetched in one query."""


@dataclass(frozen=True)
class _Seen:
    """What is remembered of a block; all of it can be forgotten, and costs a longer look then.

    Attributes:
        outcome: version of the outcome that was taken.
        position: up to where its log was read; None if that is only in the store.
        names: of records that need not be looked at again; None if they are only in the store.
        records_version: of the folder of records, if it shows every change; otherwise 0.
        due_at: when to look for records again, by the monotonic clock.

    """

    outcome: int
    position: Position | None = None
    names: frozenset[str] | None = None
    records_version: int = 0
    due_at: float = 0.0


@dataclass(frozen=True)
class _Look:
    """What one look at a block gave."""

    seen: _Seen
    events: int
    records: int = 0
    more: bool = False


class BlocksFollower:
    """Follows every block into the store.

    Args:
        connection: of the store.
        folder: of the campaign.
        manifest: its jobs.

    """

    def __init__(self, connection: sqlite3.Connection, folder: CampaignFolder, manifest: Manifest) -> None:
        self._connection = connection
        self._digest = manifest.digest
        seen = dict(connection.execute("SELECT block, outcome_seen FROM blocks ORDER BY block"))
        self._seen = {number: _Seen(outcome) for number, outcome in seen.items()}
        self._folders = {number: folder.block(number) for number in seen}
        self._left: deque[int] = deque()

    def follow(self, until: float) -> tuple[int, int, bool]:
        """Take what is new, for as long as there is time; one transaction is always made.

        Args:
            until: when to stop, by the monotonic clock.

        Returns:
            Events and records that were taken, and whether something is left.

        """
        now = time.monotonic()
        # What was left the last time comes first.
        left = dict.fromkeys(
            [*self._left, *(n for n, seen in self._seen.items() if not seen.outcome or now >= seen.due_at)]
        )
        self._left = deque(left)
        events = records = 0
        while self._left:
            more_events, more_records = self._follow_some(until)
            events, records = events + more_events, records + more_records
            if time.monotonic() > until:
                break
        return events, records, bool(self._left)

    def look_everywhere(self) -> None:
        """Look at every block the next time, however lately it was looked at."""
        self._seen = {number: replace(seen, due_at=0.0) for number, seen in self._seen.items()}

    def _follow_some(self, until: float) -> tuple[int, int]:
        """Take one transaction's worth; returns the number of events and of records."""
        events = records = 0
        left = deque(self._left)
        looked: dict[int, _Seen] = {}
        with begin_batch(self._connection, time.time()) as batch:
            while left and events < MOST_EVENTS and records < MOST_RECORDS:
                number = left[0]
                look = self._look_at(batch, number, looked.get(number, self._seen[number]))
                looked[number] = look.seen
                events, records = events + look.events, records + look.records
                if not look.more:
                    left.popleft()
                if time.monotonic() > until:
                    break
        # Only now is it true.
        self._seen |= looked
        self._left = left
        return events, records

    def _look_at(self, batch: Batch, number: int, seen: _Seen) -> _Look:
        folder = self._folders[number]
        taken = take_log(batch, number, folder, seen.position)
        seen = replace(seen, position=taken.position)
        if taken.more or time.monotonic() < seen.due_at:
            return _Look(seen, taken.events, more=taken.more)
        outcome = outcome_version(folder)
        version, sure = _version_of(folder)
        if version == seen.records_version and outcome == seen.outcome:
            return _Look(replace(seen, due_at=time.monotonic() + RECORDS_EVERY_S), taken.events)
        names = self._names(number, folder) if seen.names is None else seen.names
        paths = list(islice(new_records(folder, names), MOST_RECORDS))
        if len(paths) > _MANY_RECORDS:
            batch.rows.of_block(number)
        settled = take_records(batch, paths, self._digest)
        names |= settled
        if settled and len(paths) == MOST_RECORDS:
            return _Look(replace(seen, names=names), taken.events, len(paths), more=True)
        if outcome != seen.outcome:
            take_outcome(batch, number, folder, outcome)
        known = sure and len(settled) == len(paths)
        seen = replace(
            seen,
            outcome=outcome,
            # Names of a block that is through are not needed before it is taken up again.
            names=None if outcome and known else names,
            records_version=version if known else 0,
            due_at=time.monotonic() + RECORDS_EVERY_S,
        )
        return _Look(seen, taken.events, len(paths))

    def _names(self, number: int, folder: BlockFolder) -> frozenset[str]:
        found = self._connection.execute("SELECT job, cluster, attempt FROM attempts WHERE block = ?", (number,))
        return frozenset(folder.record(*key).name for key in found)


def _version_of(folder: BlockFolder) -> tuple[int, bool]:
    """Return a number that differs when a record has come, and whether the next one is sure to change it."""
    try:
        version = folder.records.stat().st_mtime_ns
    except OSError:
        return 0, False
    return version, abs(time.time() - version * 1e-9) > _UNSURE_S
