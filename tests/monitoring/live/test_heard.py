"""What the store cannot know yet is told apart from what was not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from monitoring.live.bins import Span, bins_of
from monitoring.live.heard import collected_at, heard_last, last_complete, only_complete, seen_until, told_until
from tests.builders.collected import MINUTE

if TYPE_CHECKING:
    from tests.builders.collected import Collected

BINS = bins_of(Span(MINUTE, MINUTE + 179), now=MINUTE + 10 * 86400)


def test_a_bin_that_is_not_over_has_no_value() -> None:
    """The last bins are left out until all jobs can have told of them."""
    assert only_complete((1.0, 2.0, 3.0), BINS, MINUTE + 120) == (1.0, 2.0, None)
    assert last_complete((1.0, 2.0, 3.0), BINS, MINUTE + 179) == 2.0
    assert last_complete((1.0, 2.0, 3.0), BINS, MINUTE) is None


def test_heartbeats_tell_of_a_minute_when_it_is_over(collected: Collected) -> None:
    """What running jobs do is known more than a minute later than what ended."""
    connection = collected.read()
    assert seen_until(connection, MINUTE) <= MINUTE
    assert told_until(connection, MINUTE) <= MINUTE - 60


def test_nothing_is_known_after_the_collector_was_at_work(collected: Collected) -> None:
    """A collector that is away must not look like jobs that stand still."""
    collected.read().close()
    with closing(sqlite3.connect(collected.store)) as writer, writer:
        writer.execute("INSERT OR REPLACE INTO latest VALUES ('collector', ?, ?)", (MINUTE, f'{{"at": {MINUTE}}}'))
    with collected.shown.reading() as connection:
        assert collected_at(connection) == MINUTE
        assert seen_until(connection, MINUTE + 1000) == MINUTE
        assert seen_until(connection, MINUTE - 10) == MINUTE - 10


def test_the_last_that_was_heard_of(collected: Collected) -> None:
    """A change of state or a heartbeat, whichever was later; nothing before the first."""
    assert heard_last(collected.read()) is None
    collected.run(0, MINUTE)
    assert heard_last(collected.read()) == MINUTE + 60
    collected.end(0, MINUTE + 200)
    assert heard_last(collected.read()) == MINUTE + 200
