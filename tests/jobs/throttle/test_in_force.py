"""What is in force changes only as a whole, and on the record."""

from __future__ import annotations

import getpass
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from jobs.errors import CampaignError, ConfigError
from jobs.layout import CampaignFolder
from jobs.throttle.in_force import Edit, grid_in_force, put_in_force

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("FNAL", "CERN-T0")


@pytest.fixture
def folder(tmp_path: Path) -> CampaignFolder:
    """The folder of a campaign that has begun."""
    (tmp_path / "campaign").mkdir()
    return CampaignFolder(tmp_path / "campaign")


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    """Two sites that share a link."""
    sites = tmp_path / "sites"
    sites.mkdir()
    (sites / "FNAL.yaml").write_text("endpoints: [a:1, b:2]\nuplink: 100 Gb/s\nshared_links: esnet\nramp: 50/min\n")
    (sites / "CERN-T0.yaml").write_text(
        "endpoints: a:1\nuplink: 10 Gb/s\ncampaign_share: 50 %\nrate_per_job: 34 Mb/s\n"
        "environment:\n  python: /opt/python\n"
    )
    (sites / "links.yaml").write_text("shared_links:\n  esnet:\n    rate: 40 Gb/s\n")
    return sites


def put(folder: CampaignFolder, sites: Path) -> list[Edit]:
    """Put the sites' configs into force."""
    return put_in_force(folder, sites, NAMES, "spec.yaml")


def log_of(folder: CampaignFolder) -> list[dict[str, Any]]:
    """Lines of the log of edits."""
    return [json.loads(line) for line in folder.site_edits.read_text().splitlines()]


def test_nothing_is_in_force_before_the_first_time(folder: CampaignFolder) -> None:
    """A campaign that was not begun has no sites of its own."""
    assert grid_in_force(folder) is None


def test_what_is_in_force_reads_back_the_same(folder: CampaignFolder, sites: Path) -> None:
    """Every key of every site, defaults and shared links included; the first time is no edit."""
    assert put(folder, sites) == []
    grid = grid_in_force(folder)
    assert grid is not None
    assert {name: site.budget_mbps for name, site in grid.sites.items()} == {"FNAL": 80_000.0, "CERN-T0": 5_000.0}
    assert grid.sites["FNAL"].endpoints == ("a:1", "b:2")
    assert grid.sites["FNAL"].ramp_per_min == 50.0
    assert grid.sites["CERN-T0"].rate_per_job_mbps == 34.0
    assert grid.sites["CERN-T0"].environment is not None
    assert grid.links.shared_links["esnet"].budget_mbps == 32_000.0
    assert log_of(folder) == []


def test_the_files_that_people_edit_are_not_what_is_in_force(folder: CampaignFolder, sites: Path) -> None:
    """A file that is half edited opens no link: it must be applied."""
    put(folder, sites)
    (sites / "FNAL.yaml").write_text("endpoints: a:1\nuplink: 1000 Gb/s\n")
    grid = grid_in_force(folder)
    assert grid is not None
    assert grid.sites["FNAL"].budget_mbps == 80_000.0


def test_an_edit_is_logged_with_who_when_from_and_to(folder: CampaignFolder, sites: Path) -> None:
    """Of sites and of links, key by key, as people write them."""
    put(folder, sites)
    text = (sites / "CERN-T0.yaml").read_text()
    (sites / "CERN-T0.yaml").write_text(text.replace("50 %", "20 %").replace("rate_per_job: 34 Mb/s\n", ""))
    (sites / "links.yaml").write_text("shared_links:\n  esnet:\n    rate: 20 Gb/s\n")
    edits = put(folder, sites)
    assert [(edit.file, edit.key) for edit in edits] == [
        ("CERN-T0", "campaign_share"),
        ("CERN-T0", "rate_per_job"),
        ("links", "shared_links.esnet.rate"),
    ]
    share, rate, _ = log_of(folder)
    assert (share["from"], share["to"]) == (edits[0].before, edits[0].after)
    assert share["from"] != share["to"]
    assert rate["to"] == ""
    assert share["who"] == f"{getpass.getuser()}@{os.uname().nodename}"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(share["at"])).total_seconds()) < 60
    assert put(folder, sites) == []
    assert len(log_of(folder)) == 3


def test_an_edit_that_does_not_check_is_refused_whole(folder: CampaignFolder, sites: Path) -> None:
    """One wrong key in one file: nothing of any file comes into force, and nothing is logged."""
    put(folder, sites)
    before = folder.sites.read_bytes()
    (sites / "FNAL.yaml").write_text("endpoints: a:1\nuplink: 1 Gb/s\n")
    (sites / "CERN-T0.yaml").write_text("endpoints: a:1\nuplink: 100\n")
    with pytest.raises(ConfigError, match="uplink"):
        put(folder, sites)
    assert folder.sites.read_bytes() == before
    assert log_of(folder) == []


@pytest.mark.parametrize(
    ("key", "later"), [("slots", True), ("environment.python", True), ("admission", True), ("uplink", False)]
)
def test_keys_of_the_submit_description_count_later(key: str, later: bool) -> None:
    """Clusters that are in the queue keep them, and the one who edits is told."""
    edit = Edit("FNAL", key, "a", "b")
    assert edit.later == later
    assert ("submitted from now on" in str(edit)) == later


def test_a_file_that_cannot_be_read_is_named(folder: CampaignFolder) -> None:
    """With what to do."""
    folder.sites.write_text("sites: [")
    with pytest.raises(CampaignError, match=r"sites\.yaml: not readable; `sonicgrid sites apply`"):
        grid_in_force(folder)
