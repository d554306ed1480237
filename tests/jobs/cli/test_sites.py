"""The commands `sites list`, `sites show` and `sites check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import classad2
import pytest
from typer.testing import CliRunner

from jobs.cli.output import console
from jobs.cli.sites import app
from jobs.errors import ConfigError, PoolError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FNAL = """
endpoints: a:1
uplink: 100 Gb/s
shared_links: wan
gpu_pool: t4
most_jobs: 2000
environment: {container: "docker://example.org/sonicgrid:1"}
"""
CLOSED = "endpoints: a:1\nuplink: 10 Gb/s\ncampaign_share: 0 %\n"
LINKS = "shared_links: {wan: {rate: 400 Gb/s, campaign_share: 50 %}}\ngpu_pools: {t4: {gpus: 100}}\n"


def _no_pool() -> list[classad2.ClassAd]:
    message = "nobody answers"
    raise PoolError(message)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, BaseException | None]]:
    """Run a command over two sites, without a pool; returns exit code, output and error."""
    for name, text in {"FNAL": FNAL, "SHUT": CLOSED, "links": LINKS}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(console, "width", 160)
    monkeypatch.setattr("jobs.cli.sites.slot_ads", _no_pool)

    def run_(*arguments: object) -> tuple[int, str, BaseException | None]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--sites-folder", str(tmp_path)])
        return result.exit_code, result.stdout, result.exception

    return run_


def test_the_list_says_what_each_site_may_have(run: Callable[..., tuple[int, str, object]]) -> None:
    """A line has uplink, share, budget and the rest; a site without a budget is called closed."""
    code, output, _ = run("list")
    lines = {line.split()[0]: line for line in output.splitlines() if "Gb/s" in line}
    assert code == 0
    for words in ("100 Gb/s", "80 %", "80,000", "wan", "60/min", "2,000", "auto", "container"):
        assert words in lines["FNAL"]
    assert "GPUs t4" in output
    assert "closed" in lines["SHUT"]
    assert "submitter's" in lines["SHUT"]
    document = json.loads(run("list", "--json")[1])
    assert document["sites"]["FNAL"]["budget_mbps"] == pytest.approx(80_000)
    assert document["sites"]["SHUT"]["budget_mbps"] == 0
    assert set(document["sites"]) == {"FNAL", "SHUT"}


def test_one_site_with_every_key_in_force(run: Callable[..., tuple[int, str, object]]) -> None:
    """`show` tells defaults from what is written, and what the site shares with others."""
    code, output, _ = run("show", "FNAL")
    lines = [line for line in output.splitlines() if "│" in line]
    assert code == 0
    by_key: dict[str, str] = {line.split()[1]: line for line in lines}
    assert "default" not in by_key["uplink"]
    assert "60/min" in by_key["ramp"]
    assert "default" in by_key["ramp"]
    assert 'GLIDEIN_Site == "FNAL"' in by_key["slots"]
    assert "default" in by_key["slots"]
    assert "container: docker://example.org/sonicgrid:1" in by_key["environment"]
    assert "budget: 80 Gb/s" in output
    assert "shared link wan: 200 Gb/s, 50 % of 400 Gb/s" in output
    assert "GPU pool t4: 6,800 jobs at most" in output
    document = json.loads(run("show", "FNAL", "--json")[1])
    assert document["keys"]["most_jobs"] == {"value": 2000, "default": False}
    assert document["keys"]["admit_factor"] == {"value": 1.25, "default": True}
    assert document["gpu_pool"]["most_jobs"] == 6800
    assert "the site is closed" in run("show", "SHUT")[1]


def test_a_site_that_is_not_there(run: Callable[..., tuple[int, str, object]]) -> None:
    """The nearest name is proposed."""
    _, _, error = run("show", "FNLA")
    assert isinstance(error, ConfigError)
    assert "did you mean 'FNAL'?" in str(error)


def test_every_problem_of_every_file_at_once(run: Callable[..., tuple[int, str, object]], tmp_path: Path) -> None:
    """`check` lists what is wrong in two sites, in the links and in a file that nobody would read; it exits 2."""
    (tmp_path / "FNAL.yaml").write_text("endpoints: a:1\nuplink: 100\nramp: 0/min\n")
    (tmp_path / "SHUT.yaml").write_text("endpoints: a:1\n")
    (tmp_path / "links.yaml").write_text("shared_links: {wan: {rate: 1 GB/s}}\n")
    (tmp_path / "BNL.yml").write_text(CLOSED)
    code, output, _ = run("check", "--json")
    document = json.loads(output)
    assert code == 2
    assert not document["valid"]
    assert [problem["key"] for problem in document["problems"]] == [
        "",
        "uplink",
        "ramp",
        "uplink",
        "shared_links.wan.rate",
    ]
    assert document["pool"] is None
    _, output, error = run("check")
    assert isinstance(error, ConfigError)
    assert len(error.problems) == 5
    assert "not looked at" in output


def test_without_a_pool_the_slots_are_not_looked_at(run: Callable[..., tuple[int, str, object]]) -> None:
    """`check` says so and is content; with --pool it is an error."""
    code, output, _ = run("check")
    assert code == 0
    assert "not looked at, because nobody answers" in output
    assert "no problems; sites: FNAL, SHUT" in output
    assert "it was not asked for" in run("check", "--no-pool")[1]
    assert isinstance(run("check", "--pool")[2], PoolError)


def test_slots_that_two_sites_claim(
    run: Callable[..., tuple[int, str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a pool, an overlap is a problem with an example, and slots of no site are counted."""
    sites = ["FNAL", "FNAL", "SHUT", "BNL"]
    ads = [classad2.ClassAd({"Name": f"slot{i}@w", "GLIDEIN_Site": site}) for i, site in enumerate(sites)]
    monkeypatch.setattr("jobs.cli.sites.slot_ads", lambda: ads)
    code, output, _ = run("check", "--pool")
    assert code == 0
    assert "4; FNAL 2, SHUT 1" in output
    assert "1 slot belongs to no site" in output
    (tmp_path / "ALL.yaml").write_text("endpoints: a:1\nuplink: 1 Gb/s\nslots: 'GLIDEIN_Site =!= \"BNL\"'\n")
    code, output, _ = run("check", "--json")
    document: dict[str, Any] = json.loads(output)
    assert code == 2
    assert document["pool"]["by_site"] == {"ALL": 3, "FNAL": 2, "SHUT": 1}
    assert document["pool"]["unclaimed"] == 1
    assert [problem["file"].rpartition("/")[2] for problem in document["problems"]] == ["FNAL.yaml", "SHUT.yaml"]
    assert "slot0@w" in document["problems"][0]["what"]
