"""One process collects many campaigns; whatever is wrong with one is said once, and the others go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.layout import CampaignFolder
from monitoring import collect_all
from monitoring.collect import Collector
from monitoring.collect_all import Collectors
from monitoring.find_campaigns import CampaignFinder
from monitoring.store.open import open_reader
from monitoring.store.place import find_store
from tests.builders.campaign import CampaignBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(collect_all, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(collect_all, "TRY_AGAIN_S", 0.0)
    monkeypatch.setenv("SONICGRID_POOL", str(tmp_path / "no-pool"))


@pytest.fixture
def said() -> list[str]:
    """What was said."""
    return []


@pytest.fixture
def collectors(tmp_path: Path, said: list[str]) -> Iterator[Collectors]:
    """Collect all campaigns below a folder."""
    made = Collectors(CampaignFinder([], tmp_path / "results"), tmp_path / "stores", (), None, said.append)
    yield made
    made.close()


def plan(tmp_path: Path, name: str) -> CampaignBuilder:
    """Plan a campaign below the results folder."""
    root = tmp_path / "results" / name
    root.mkdir(parents=True, exist_ok=True)
    return CampaignBuilder(CampaignFolder(root), name).plan(3)


def jobs_of(tmp_path: Path, campaign: CampaignBuilder) -> int:
    """Return how many jobs the store of a campaign has."""
    connection = open_reader(find_store(campaign.folder, campaign.name, tmp_path / "stores"))
    try:
        return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])
    finally:
        connection.close()


def test_a_new_campaign_is_found(tmp_path: Path, collectors: Collectors, said: list[str]) -> None:
    """A campaign that is planned later is collected without a restart, and the store says that somebody is there."""
    first = plan(tmp_path, "first")
    assert collectors.tick() is False
    second = plan(tmp_path, "second")
    collectors.tick()
    assert (jobs_of(tmp_path, first), jobs_of(tmp_path, second)) == (3, 3)
    connection = open_reader(find_store(second.folder, "second", tmp_path / "stores"))
    row = connection.execute("SELECT at, json FROM latest WHERE name = 'collector'").fetchone()
    connection.close()
    assert row["at"] > 0
    assert '"behind": false' in row["json"]
    assert said == []


def test_a_damaged_one_is_said_once(tmp_path: Path, collectors: Collectors, said: list[str]) -> None:
    """While a manifest is damaged the others are collected; when it is whole again, so is its campaign."""
    good, damaged = plan(tmp_path, "good"), plan(tmp_path, "damaged")
    whole = damaged.folder.manifest.read_bytes()
    damaged.folder.manifest.write_bytes(b"PAR1 not at all")
    for _ in range(3):
        collectors.tick()
    assert jobs_of(tmp_path, good) == 3
    assert len(said) == 1
    assert "not a readable manifest" in said[0]
    damaged.folder.manifest.write_bytes(whole)
    collectors.tick()
    assert jobs_of(tmp_path, damaged) == 3


def test_one_that_is_damaged_in_its_middle(tmp_path: Path, collectors: Collectors, said: list[str]) -> None:
    """A manifest whose end is whole and whose rows are not is found out by its collector, and said the same way."""
    good, damaged = plan(tmp_path, "good"), plan(tmp_path, "damaged")
    content = bytearray(damaged.folder.manifest.read_bytes())
    content[4:200] = bytes(196)
    damaged.folder.manifest.write_bytes(content)
    for _ in range(3):
        collectors.tick()
    assert jobs_of(tmp_path, good) == 3
    assert len(said) == 1
    assert str(damaged.folder.root) in said[0]


def test_one_that_somebody_else_collects(tmp_path: Path, collectors: Collectors, said: list[str]) -> None:
    """Another collector's campaign is left to it, and taken over when it has gone."""
    mine, theirs = plan(tmp_path, "mine"), plan(tmp_path, "theirs")
    store = find_store(theirs.folder, "theirs", tmp_path / "stores")
    other = Collector(theirs.folder, store, embedded_pool=False)
    for _ in range(2):
        collectors.tick()
    assert jobs_of(tmp_path, mine) == 3
    assert len(said) == 1
    assert "another process collects this campaign already" in said[0]
    other.close()
    collectors.tick()
    with pytest.raises(Exception, match="another process collects"):
        Collector(theirs.folder, store, embedded_pool=False)


def test_one_that_goes_away(tmp_path: Path, collectors: Collectors, said: list[str]) -> None:
    """A campaign whose folder is deleted while it is collected is let go, and the others go on."""
    stays, goes = plan(tmp_path, "stays"), plan(tmp_path, "goes")
    collectors.tick()
    goes.folder.manifest.unlink()
    collectors.tick()
    assert any("the campaign has gone" in text for text in said)
    said.clear()
    collectors.tick()
    assert said == []
    assert jobs_of(tmp_path, stays) == 3
