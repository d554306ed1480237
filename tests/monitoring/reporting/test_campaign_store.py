"""Which store a report is drawn from: the dashboard's own if it can be had, else one that goes again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.collect import Collector
from monitoring.reporting.campaign_store import campaign_store
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from pathlib import Path

    from monitoring.panels.shown import Shown
    from tests.builders.campaign import CampaignBuilder


def _attempts(shown: Shown) -> int:
    with shown.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])


def test_the_own_store_is_brought_up_to_date(campaign: CampaignBuilder) -> None:
    """Where nobody collects, what is new is taken into the dashboard's store; the campaign is left alone."""
    campaign.plan(3)
    campaign.attempt(0)
    before = {path.name for path in campaign.folder.root.rglob("*")}
    with campaign_store(campaign.folder, campaign.name, 1) as shown:
        assert shown.store == find_store(campaign.folder, campaign.name)
        assert _attempts(shown) == 1
    assert {path.name for path in campaign.folder.root.rglob("*")} == before


def test_a_store_that_is_kept_is_read(campaign: CampaignBuilder) -> None:
    """Where a dashboard is at work and has every record, its store serves."""
    campaign.plan(3)
    campaign.attempt(0)
    keeper = Collector(campaign.folder, embedded_pool=False)
    keeper.catch_up()
    with campaign_store(campaign.folder, campaign.name, 1) as shown:
        assert shown.store == keeper.store
    keeper.close()


def test_a_store_that_lags_behind_does_not_serve(campaign: CampaignBuilder) -> None:
    """Where the dashboard has not got to the newest record in time, another store is made, and goes again."""
    campaign.plan(3)
    keeper = Collector(campaign.folder, embedded_pool=False)
    keeper.catch_up()
    campaign.attempt(0)
    with campaign_store(campaign.folder, campaign.name, 1, wait_s=0.1) as shown:
        assert shown.store != keeper.store
        assert _attempts(shown) == 1
    assert not shown.store.exists()
    keeper.close()


def test_where_no_store_can_be_kept(campaign: CampaignBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that cannot be written does not keep a report from being made."""
    campaign.plan(1)
    campaign.attempt(0)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with campaign_store(campaign.folder, campaign.name, 1) as shown:
        assert _attempts(shown) == 1
