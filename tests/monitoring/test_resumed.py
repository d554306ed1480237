"""A job that went on from a checkpoint counts each of its events once, and its speed is that of what it did itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from jobs.record import Record, parse_record
from jobs.throttle.tally import tally_of_record
from monitoring.collect import Collector
from monitoring.reporting.collect_records import collect_records
from monitoring.store.open import open_reader
from monitoring.store.schema import TOTAL_BIN_S
from monitoring.throughput import group_rows, seconds_per_event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder


@pytest.fixture
def interrupted(campaign: CampaignBuilder) -> CampaignBuilder:
    """Three jobs of five events; the first was stopped after three, then went on with two: 100 s each time."""
    campaign.plan(3)
    campaign.attempt(0, attempt=0, exit_class="stopped", events=0, hits=0, events_kept=3, wall_s=100.0)
    campaign.attempt(0, attempt=1, events_resumed=3, hits_resumed=4800, hits=8000, wall_s=100.0)
    campaign.attempt(1, wall_s=100.0)
    campaign.attempt(2, wall_s=100.0)
    return campaign


def test_every_event_counts_once(interrupted: CampaignBuilder, tmp_path: Path) -> None:
    """Fifteen events of three jobs, in the store as in the report, though one of them had two attempts."""
    collector = Collector(interrupted.folder, tmp_path / "test.sqlite", embedded_pool=False)
    try:
        assert not collector.catch_up().problem
    finally:
        collector.close()
    store = open_reader(tmp_path / "test.sqlite")
    query = "SELECT sum(events_done), sum(hits_done), sum(attempts_done) FROM rollups WHERE bin_s = ?"
    assert tuple(store.execute(query, (TOTAL_BIN_S,)).fetchone()) == (15, 24000, 3)
    assert tuple(store.execute("SELECT sum(events_resumed), sum(hits_resumed) FROM attempts").fetchone()) == (3, 4800)
    (row,) = group_rows(collect_records(interrupted.folder, None).attempts.one_per_job())
    assert (row.jobs, row.events, row.hits) == (3, 15, 24000)


def test_its_speed_is_that_of_what_it_did_itself(interrupted: CampaignBuilder) -> None:
    """Two events in 100 s are no five."""
    attempts = collect_records(interrupted.folder, None).attempts.one_per_job()
    busy_s = np.maximum(attempts.wall_s - attempts.startup_s, 0)
    assert seconds_per_event(attempts).tolist() == pytest.approx((busy_s / [2, 5, 5]).tolist())


def test_the_throttle_does_not_take_it_for_a_fast_one(interrupted: CampaignBuilder) -> None:
    """What a job needs of the link follows from the events that it sent itself."""
    path = interrupted.folder.block(0).root / "records"
    records: list[Record] = [parse_record(one.read_bytes()) for one in sorted(path.glob("0000000.*.1.json"))]
    assert [tally_of_record(record).events for record in records] == [2]


def test_a_record_of_before_there_were_checkpoints_can_be_read(interrupted: CampaignBuilder) -> None:
    """It has none of the new fields, and no checksum."""
    path = next((interrupted.folder.block(0).root / "records").glob("0000001.*.json"))
    record = parse_record(path.read_bytes())
    old = record.model_dump_json(exclude={"events_resumed", "hits_resumed", "events_kept"})
    assert parse_record(old.encode()) == record
