"""Site configs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.errors import ConfigError, UsageError
from jobs.spec.site import find_sites_folder, load_site, load_sites, site_access

if TYPE_CHECKING:
    pass

CHECKOUT = Path(__file__).resolve().parents[3]


def _write(folder: Path, text: str, name: str = "FNAL") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def test_a_site_of_one_key(tmp_path: Path) -> None:
    """The endpoints are all that must be said; name and slots follow from the file's name."""
    site = load_site(_write(tmp_path, "endpoints: triton.example.org:8001\n", "US_FNAL-2"))
    assert site.name == "US_FNAL-2"
    assert site.slots == 'GLIDEIN_Site == "US_FNAL-2"'
    assert site.endpoints == ("triton.example.org:8001",)
    assert site.budget_mbps is None
    assert site.most_jobs is None


def test_the_budget_is_the_share_of_the_uplink(tmp_path: Path) -> None:
    """100 Gb/s and a share of 80 % are 80,000 Mb/s."""
    site = load_site(_write(tmp_path, "endpoints: embedded\nuplink: 100 Gb/s\ncampaign_share: 80 %\n"))
    assert site.budget_mbps == pytest.approx(80_000)


def test_an_expression_over_several_lines_becomes_one(tmp_path: Path) -> None:
    """A submit description has no room for line breaks."""
    site = load_site(_write(tmp_path, "endpoints: embedded\nslots: |\n  HasCVMFS &&\n    Cpus > 1\n"))
    assert site.slots == "HasCVMFS && Cpus > 1"


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("uplink: 1 Gb/s\n", "endpoints", "is missing"),
        ("endpoints: []\n", "endpoints", "at least one"),
        ("endpoints: [a:1, b]\n", "endpoints[1]", "host:port"),
        ("endpoints: http://a:8000\n", "endpoints", "host:port"),
        ("endpoints: a:0\n", "endpoints", "host:port"),
        ("endpoints: a:65536\n", "endpoints", "host:port"),
        ("endpoints: 'a b:80'\n", "endpoints", "host:port"),
        ("endpoints: ':80'\n", "endpoints", "host:port"),
        ("endpoints: 2001:db8::1:8001\n", "endpoints", "brackets"),
        ("endpoints: embeded\n", "endpoints", "the word embedded"),
        ("endpoints: a:1\nslots: 'GLIDEIN_Site = \"x\"'\n", "slots", "equality is =="),
        ("endpoints: a:1\nslots: 'x =='\n", "slots", "ClassAd"),
        ("endpoints: a:1\nslots: ''\n", "slots", "ClassAd"),
        ("endpoints: a:1\nuplink: 100 GB/s\n", "uplink", "bytes"),
        ("endpoints: a:1\nuplink: 0 Gb/s\n", "uplink", "more than 0"),
        ("endpoints: a:1\ncampaign_share: 0 %\n", "campaign_share", "more than 0"),
        ("endpoints: a:1\ncampaign_share: 101 %\n", "campaign_share", "100 %"),
        ("endpoints: a:1\nmost_jobs: 0\n", "most_jobs", "at least 1"),
        ("endpoints: a:1\nmost_jobs: many\n", "most_jobs", "whole number"),
        ("endpoints: a:1\nwire_format: views\n", "wire_format", "'patches'"),
        ("endpoints: a:1\nname: x\n", "name", "not a key"),
        ("endpoints: a:1\nuplinks: 1 Gb/s\n", "uplinks", "did you mean 'uplink'?"),
    ],
)
def test_each_bad_key_is_one_clear_problem(tmp_path: Path, text: str, key: str, words: str) -> None:
    """Every wrong key is named with its remedy, and nothing else is complained about."""
    path = _write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    (problem,) = caught.value.problems
    assert problem.file.startswith(str(path))
    assert problem.key.startswith(key)
    assert words in str(problem)


def test_a_file_name_that_is_no_site_name(tmp_path: Path) -> None:
    """The name goes into expressions and limits, so it is held to letters, digits, '-' and '_'."""
    with pytest.raises(ConfigError, match="letters, digits"):
        load_site(_write(tmp_path, "endpoints: a:1\n", 'a"b'))


def test_all_sites_of_a_folder_or_some(tmp_path: Path) -> None:
    """Without names every site is read; with names only those, in their order."""
    for name in ("CERN", "FNAL", "BNL"):
        _write(tmp_path, "endpoints: a:1\n", name)
    assert list(load_sites(tmp_path)) == ["BNL", "CERN", "FNAL"]
    assert list(load_sites(tmp_path, ["FNAL", "BNL"])) == ["FNAL", "BNL"]


def test_problems_of_all_sites_come_at_once(tmp_path: Path) -> None:
    """Two bad sites and one that is not there are one error."""
    for name in ("CERN", "FNAL"):
        _write(tmp_path, "endpoints: a\n", name)
    with pytest.raises(ConfigError) as caught:
        load_sites(tmp_path, ["CERN", "FNAL", "CREN"], asked_by="spec.yaml")
    assert len(caught.value.problems) == 3
    assert "did you mean 'CERN'? known: CERN, FNAL" in str(caught.value)
    assert "spec.yaml: sites" in str(caught.value)


def test_the_embedded_pool_is_asked_only_where_it_is_named(tmp_path: Path) -> None:
    """`embedded` becomes the load balancer's address of now; other endpoints stay, in their order."""

    def no_pool() -> str:
        pytest.fail("asked for a pool that the site does not name")

    plain = load_site(_write(tmp_path, "endpoints: a:1\n"))
    mixed = load_site(_write(tmp_path, "endpoints: [embedded, a:1]\n"))
    assert site_access(plain, no_pool).endpoints == ("a:1",)
    assert site_access(mixed, lambda: "127.0.0.1:4711").endpoints == ("127.0.0.1:4711", "a:1")


def test_finds_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option counts before the variable, and the variable before the checkout's own folder."""
    monkeypatch.delenv("SONICGRID_SITES", raising=False)
    assert find_sites_folder() == CHECKOUT / "site_configs"
    monkeypatch.setenv("SONICGRID_SITES", str(tmp_path))
    assert find_sites_folder() == tmp_path
    (tmp_path / "x").mkdir()
    assert find_sites_folder(tmp_path / "x") == tmp_path / "x"
    with pytest.raises(UsageError, match="no such folder"):
        find_sites_folder(tmp_path / "y")


@pytest.mark.parametrize("path", sorted((CHECKOUT / "site_configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_sites_are_right(path: Path) -> None:
    """Every site config that comes with the project loads."""
    assert load_site(path).name == path.stem


def test_the_minimal_site_is_short() -> None:
    """A new site should not look like work: ten lines at most."""
    assert len((CHECKOUT / "site_configs/minimal.yaml").read_text().splitlines()) <= 10
