"""A note about a state of things stands until that has passed, whoever said it and whoever sees that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.collect import Collector
from monitoring.collecting.batch import begin_batch
from monitoring.store.open import open_writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Return the connection of an empty store."""
    connection = open_writer(tmp_path / "a.sqlite", {}).connection
    yield connection
    connection.close()


def standing(connection: sqlite3.Connection) -> dict[str, bool]:
    """Return whether each note stands, by what it is about."""
    return {source: bool(stands) for source, stands in connection.execute("SELECT source, standing FROM notes")}


def test_a_note_stands_until_its_own_trouble_has_passed(connection: sqlite3.Connection) -> None:
    """In a later transaction or in the same, before and after others were settled; others stay as they are."""
    with begin_batch(connection, 1.0) as batch:
        batch.notes.say("file", "half", 1.0, standing=True)
        batch.notes.say("other", "half", 1.0, standing=True)
    with begin_batch(connection, 2.0) as batch:
        batch.notes.settle("fine")
        batch.notes.say("late", "half", 2.0, standing=True)
        batch.notes.settle("file")
        assert standing(connection) == {"file": False, "other": True, "late": True}
        batch.notes.settle("late")
        batch.notes.say("file", "half", 2.0, standing=True)
        batch.notes.settle("file", "half")
    assert standing(connection) == {"file": True, "other": True, "late": False}


def test_a_record_that_does_not_parse_is_noted_until_it_is_whole(campaign: CampaignBuilder, tmp_path: Path) -> None:
    """Its attempt is missing and a note says so; both end when the file can be read."""
    campaign.plan(2)
    campaign.attempt(0, cluster=7)
    campaign.attempt(1, cluster=7)
    (path, _) = sorted(campaign.folder.block(0).records.iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    collector = Collector(campaign.folder, tmp_path / "stores" / "a.sqlite", embedded_pool=False)
    for content, stands, records in ((whole[:100], True, 1), (whole, False, 2)):
        path.write_bytes(content)
        assert not collector.catch_up().problem
        assert standing(collector.connection) == {str(path): stands}
        assert collector.connection.execute("SELECT count(*) FROM attempts").fetchone()[0] == records
    collector.close()
