"""Whatever fails or is killed while the collector writes, nothing is lost and nothing counted twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from monitoring.store.open import open_reader
from tests.builders.campaign_life import CampaignLife
from tests.monitoring.exact import assert_exact, collect, collecting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_or_doubled_when_writing_fails(
    campaign: CampaignBuilder, store: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A write that fails at any point, as on a full disk, is rolled back, said, and made up for by the next tick."""
    monkeypatch.setattr("monitoring.collecting.follow_blocks.MOST_EVENTS", 20)
    monkeypatch.setattr("monitoring.collecting.follow_blocks.MOST_RECORDS", 3)
    life = CampaignLife(campaign.plan(25))
    steps = life.steps(seed)
    chance = random.Random(seed)
    problems = 0
    with collecting(campaign, store) as collector:
        over = False
        while not over:
            for _ in range(15):
                over = next(steps, steps) is steps
            collector.connection.set_progress_handler(lambda: int(chance.random() < 0.02), 50)
            problems += bool(collector.tick().problem)
            collector.connection.set_progress_handler(None, 0)
    assert problems > 2
    assert_exact(collect(campaign, store), life)


def test_a_full_disk_is_said_and_made_up_for(campaign: CampaignBuilder, store: Path) -> None:
    """While there is no space nothing is kept, in whole transactions; when there is some again, nothing is missing."""
    life = CampaignLife(campaign.plan(25))
    with collecting(campaign, store) as collector:
        collector.tick()
        pages = collector.connection.execute("PRAGMA page_count").fetchone()[0]
        collector.connection.execute(f"PRAGMA max_page_count = {pages}")
        for _ in life.steps(seed=4):
            pass
        report = collector.catch_up()
        assert "full" in report.problem
        assert "free some space" in report.problem
        collector.connection.execute("PRAGMA max_page_count = 1000000")
        assert not collector.catch_up().problem
    assert_exact(open_reader(store), life)


def test_a_store_that_is_damaged_while_it_is_open_is_made_anew(
    campaign: CampaignBuilder, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQLite calls malformed is set aside, and the numbers come back from the logs."""
    life = CampaignLife(campaign.plan(25))
    for _ in life.steps(seed=6):
        pass
    with collecting(campaign, store) as collector:
        collector.catch_up()
        with monkeypatch.context() as patch:

            def malformed(*_: object, **__: object) -> None:
                raise sqlite3.DatabaseError("database disk image is malformed")

            patch.setattr(collector._blocks, "follow", malformed)
            assert collector.tick().behind
        collector.catch_up()
    connection = open_reader(store)
    assert_exact(connection, life)
    said = connection.execute("SELECT text FROM notes WHERE source = 'store'").fetchone()[0]
    assert "malformed" in said
    assert "samples of metrics" in said


KILLED = """
import sys
from pathlib import Path
from jobs.layout import CampaignFolder
import monitoring.collecting.follow_blocks as follow_blocks
from monitoring.collect import Collector
follow_blocks.MOST_EVENTS, follow_blocks.MOST_RECORDS = 10, 2
collector = Collector(CampaignFolder(Path(sys.argv[1])), Path(sys.argv[2]), embedded_pool=False)
print("ready", flush=True)
collector.catch_up()
print("through", flush=True)
"""


def test_nothing_is_lost_or_doubled_when_it_is_killed(campaign: CampaignBuilder, store: Path) -> None:
    """SIGKILL at any moment, again and again: the next collector goes on where the last transaction ended."""
    life = CampaignLife(campaign.plan(60))
    for _ in life.steps(seed=11):
        pass
    chance = random.Random(11)
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(campaign.folder.root), str(store)], stdout=subprocess.PIPE, text=True
        )
        with process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.0, 0.03))
            if kills < 8:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
            if process.stdout.read() == "through\n":
                break
    assert kills > 3
    assert_exact(collect(campaign, store), life)
