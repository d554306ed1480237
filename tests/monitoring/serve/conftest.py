"""A campaign with a store, and a dashboard of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.collect import Collector
from monitoring.store.place import find_store
from tests.builders.campaign_life import CampaignLife
from tests.builders.dashboard_server import Client, serving, shown_campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder


def collect(campaign: CampaignBuilder, stores: Path) -> Path:
    """Bring a campaign's store up to date; returns where it is."""
    store = find_store(campaign.folder, campaign.name, stores)
    collector = Collector(campaign.folder, store, embedded_pool=False)
    assert not collector.catch_up().problem
    collector.close()
    return store


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    """Where the stores lie."""
    return tmp_path / "stores"


@pytest.fixture
def demo(campaign: CampaignBuilder, stores: Path) -> CampaignBuilder:
    """A campaign of 25 jobs that is through, and its store."""
    campaign.name = "demo"
    for _ in CampaignLife(campaign.plan(25)).steps(seed=1):
        pass
    collect(campaign, stores)
    return campaign


@pytest.fixture
def client(demo: CampaignBuilder, stores: Path) -> Iterator[Client]:
    """Ask a dashboard of that campaign."""
    with serving(shown_campaigns(demo.folder, stores=stores)) as (asked, _):
        yield asked
