"""What the tests of the report and of the dashboard share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.layout import CampaignFolder
from tests.builders.campaign import START, CampaignBuilder
from tests.builders.collected import Collected
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the stores of a test's campaigns out of the home of whoever runs it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def campaign(tmp_path: Path) -> CampaignBuilder:
    """Return a builder of a campaign in an empty folder."""
    root = tmp_path / "campaign"
    root.mkdir()
    return CampaignBuilder(CampaignFolder(root))


@pytest.fixture
def collected(campaign: CampaignBuilder, tmp_path: Path) -> Collected:
    """A planned campaign of ten jobs."""
    campaign.plan(10)
    return Collected(campaign, tmp_path / "test.sqlite", EventLog(campaign.folder.block(0).events_log, at=START))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the store is to lie."""
    return tmp_path / "stores" / "test.sqlite"
