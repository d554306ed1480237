"""A store that a collector has just filled, for the numbers that are read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from monitoring.collect import Collector
from monitoring.store.open import open_reader
from tests.builders.campaign import START, CampaignBuilder
from tests.builders.campaign_life import a_heartbeat
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


@dataclass
class Collected:
    """A campaign, whose jobs are all of block 0, and its store."""

    campaign: CampaignBuilder
    store: Path
    log: EventLog

    def run(self, job: int, at: float, site: str = "FNAL", **fields: object) -> None:
        """Let a job come up, start, and send a heartbeat a minute later."""
        self.log.at = at
        self.log.submitted(7, job, job=job)
        self.log.executing(7, job)
        self.log.at = at + 60
        self.log.told(7, job, a_heartbeat(job, site=site, **fields).encode())

    def end(self, job: int, at: float, **changes: object) -> None:
        """Let a job end by itself; its attempt took 100 s."""
        self.campaign.attempt(job, cluster=7, started=at - 100, wall_s=100.0, **changes)
        self.log.at = at
        self.log.terminated(7, job, code=0 if changes.get("exit_class", "done") == "done" else 10)

    def read(self) -> sqlite3.Connection:
        """Collect what there is and open the store."""
        collector = Collector(self.campaign.folder, self.store, embedded_pool=False)
        assert not collector.catch_up().problem
        collector.close()
        return open_reader(self.store)


@pytest.fixture
def collected(campaign: CampaignBuilder, tmp_path: Path) -> Collected:
    """A planned campaign of ten jobs."""
    campaign.plan(10)
    return Collected(campaign, tmp_path / "test.sqlite", EventLog(campaign.folder.block(0).events_log, at=START))
