"""The campaigns of a dashboard are those that are there, each with a name of its own that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.layout import CampaignFolder
from monitoring.errors import NoSuchPage
from monitoring.serve import campaigns as module
from tests.builders.campaign import CampaignBuilder
from tests.builders.dashboard_server import shown_campaigns

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.0)


def plan(root: Path, name: str) -> CampaignFolder:
    """Plan a campaign in a folder."""
    root.mkdir(parents=True)
    return CampaignBuilder(CampaignFolder(root), name).plan(1).folder


def test_campaigns_come_and_go(tmp_path: Path) -> None:
    """A folder that is planned shows up; one that is deleted does not stay."""
    results = tmp_path / "results"
    shown = shown_campaigns(results=results)
    assert shown.all() == ()
    folder = plan(results / "2026" / "one", "one")
    plan(results / "two", "two")
    assert [one.name for one in shown.all()] == ["one", "two"]
    folder.manifest.unlink()
    assert [one.name for one in shown.all()] == ["two"]


def test_two_of_one_name_keep_apart(tmp_path: Path) -> None:
    """The first one keeps its name when another of the same name comes, which gets one of its own."""
    results = tmp_path / "results"
    shown = shown_campaigns(results=results)
    plan(results / "z", "demo")
    assert [one.name for one in shown.all()] == ["demo"]
    plan(results / "a", "demo")
    first, second = shown.all()
    assert (first.folder.root.name, second.folder.root.name, second.name) == ("a", "z", "demo")
    assert first.name.startswith("demo-")
    assert shown.get(first.name) == first
    assert first.store != second.store


def test_those_that_were_named_come_first(tmp_path: Path) -> None:
    """A campaign that was named is shown wherever it lies, once, and said to be missing if it is."""
    results = tmp_path / "results"
    one, two = plan(results / "a", "one"), plan(results / "b", "two")
    missing = CampaignFolder(tmp_path / "missing")
    elsewhere = plan(tmp_path / "elsewhere", "elsewhere")
    shown = shown_campaigns(two, missing, elsewhere, results=results)
    assert [campaign.folder for campaign in shown.all()] == [two, elsewhere, one]
    (unusable,) = shown.unusable()
    assert unusable.folder == missing
    assert "the folder is not there" in unusable.why
    missing.root.mkdir()
    assert "it has no manifest yet" in shown.unusable()[0].why


def test_what_lies_inside_of_a_campaign_is_no_campaign(tmp_path: Path) -> None:
    """Folders of a campaign, hidden ones, and those that lie very deep are not looked into."""
    results = tmp_path / "results"
    plan(results / "demo", "demo")
    plan(results / "demo" / "blocks" / "inner", "inner")
    plan(results / ".trash" / "old", "old")
    plan(results / "a" / "b" / "c" / "d", "deep")
    assert [one.name for one in shown_campaigns(results=results).all()] == ["demo"]


def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The error names the campaigns that there are."""
    plan(tmp_path / "demo", "demo")
    with pytest.raises(NoSuchPage, match="nowhere: there is no such campaign on this dashboard; there are: demo"):
        shown_campaigns(results=tmp_path).get("nowhere")
    with pytest.raises(NoSuchPage, match="none yet"):
        shown_campaigns().get("nowhere")
