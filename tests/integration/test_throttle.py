"""A site's budget holds on a real pool, in both ways of admission, and follows an edit while jobs run."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from jobs.pool.down import pool_down
from jobs.pool.status import condor_status
from jobs.pool.up import pool_up
from jobs.reco.generate import GeneratorParameters, generate_file
from tests.builders.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.layout import CampaignFolder

N_EVENTS = 80
IN_FORCE_S = 30.0
"""An edit must show within this time."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pool that plays three sites, and one Triton server."""
    folder = tmp_path_factory.mktemp("pool")
    try:
        pool_up(folder, sites={"FNAL": 9, "CERN": 6, "CLOSED": 3}, servers=1)
        yield folder
    finally:
        pool_down(folder)


@pytest.fixture
def grid(tmp_path: Path, pool: Path) -> Iterator[Grid]:
    """A folder with small events; the campaign that a test leaves behind is cancelled."""
    grid = Grid(tmp_path, pool)
    generate_file(tmp_path / "data" / "a.root", N_EVENTS, 7, GeneratorParameters(n_apas=1, density=0.01))
    yield grid
    grid.run("cancel", "budgets.yaml", "--yes")
    deadline = time.monotonic() + 60
    while any(running(pool).values()) and time.monotonic() < deadline:
        time.sleep(0.5)


def write_site(grid: Grid, name: str, jobs: int, admission: str) -> None:
    """Write a config whose budget is right for so many jobs of 10 Mb/s; for 0 the site is closed."""
    path = grid.root / "sites" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"endpoints: embedded\nuplink: {10 * max(jobs, 1)} Mb/s\ncampaign_share: {'100 %' if jobs else '0 %'}\n"
        f"rate_per_job: 10 Mb/s\nadmit_factor: 1.0\nramp: 1200/min\nadmission: {admission}\n"
    )


def running(pool: Path) -> dict[str, int]:
    """Return the busy slots by site, as HTCondor's collector sees them."""
    return {row.site: row.busy for row in condor_status(pool).sites}


def await_running(pool: Path, wanted: dict[str, int], timeout_s: float, most: dict[str, int]) -> None:
    """Wait until so many slots are busy; never may there be more than `most` meanwhile."""
    deadline = time.monotonic() + timeout_s
    while (now := running(pool)) != wanted:
        assert all(now[site] <= most[site] for site in most), now
        assert time.monotonic() < deadline, now
        time.sleep(0.5)


def events_of(folder: CampaignFolder) -> str:
    """Return all event logs of a campaign."""
    return "".join(block.read_text() for block in sorted(folder.blocks.glob("*/events.log")))


@pytest.mark.parametrize("admission", ["negotiator", pytest.param("materialize", marks=pytest.mark.long)])
def test_budgets_hold_and_follow_an_edit(grid: Grid, admission: str) -> None:
    """Budgets for 5 and 3 jobs run exactly 5 and 3, and a closed site none; 7 and 1 are in force within 30 s."""
    for name, jobs in (("FNAL", 5), ("CERN", 3), ("CLOSED", 0)):
        write_site(grid, name, jobs, admission)
    folder = grid.write_spec(
        "budgets",
        sites=["FNAL", "CERN", "CLOSED"],
        jobs={"events_per_job": 1, "jobs_per_block": 50},
        reco={"rest_of_chain": "40 s"},
    )
    command = grid.start("submit", "budgets.yaml")
    try:
        five_and_three = {"FNAL": 5, "CERN": 3, "CLOSED": 0}
        await_running(grid.pool, five_and_three, 120, most=five_and_three)
        for _ in range(8):
            assert all(running(grid.pool)[site] <= jobs for site, jobs in five_and_three.items())
            time.sleep(0.5)
        write_site(grid, "FNAL", 7, admission)
        write_site(grid, "CERN", 1, admission)
        edited = time.monotonic()
        told = grid.ask("sites", "apply")
        assert {(edit["file"], edit["key"]) for edit in told["campaigns"][0]["edits"]} == {
            ("FNAL", "uplink"),
            ("CERN", "uplink"),
        }
        # Up: two more jobs start. Down: shares are cut at once, nothing is killed and nothing starts.
        shares = told["campaigns"][0]["sites"]
        assert shares["CERN"]["share_mbps"] * shares["CERN"]["running"] <= 10
        while running(grid.pool)["FNAL"] != 7:
            assert time.monotonic() - edited < IN_FORCE_S, running(grid.pool)
            time.sleep(0.5)
        await_running(grid.pool, {"FNAL": 7, "CERN": 1, "CLOSED": 0}, 120, most={"FNAL": 7, "CERN": 3, "CLOSED": 0})
        log = events_of(folder)
        assert "Job was evicted" not in log
        assert "Job was aborted" not in log or admission == "materialize"
        starts = [line for line in log.splitlines() if "Job executing on host" in line]
        numbers = [line.split()[1] for line in starts]
        assert len(numbers) == len(set(numbers)), "a job was started twice"
        status = grid.ask("status", "budgets.yaml")
        assert {site: state["admission"] for site, state in status["throttle"]["sites"].items()} == dict.fromkeys(
            five_and_three, admission
        )
        assert status["slots_without_site"] == 0
        lines = [json.loads(line) for line in folder.site_edits.read_text().splitlines()]
        assert {(line["file"], line["from"], line["to"]) for line in lines} == {
            ("FNAL", "50 Mb/s", "70 Mb/s"),
            ("CERN", "30 Mb/s", "10 Mb/s"),
        }
        assert all("@" in line["who"] and line["at"] for line in lines)
    finally:
        command.kill()
        command.communicate()


def test_a_config_with_a_problem_changes_nothing(grid: Grid) -> None:
    """`sites apply` refuses all of an edit of which one file does not check, and the old limits stay in force."""
    for name, jobs in (("FNAL", 2), ("CERN", 1)):
        write_site(grid, name, jobs, "auto")
    folder = grid.write_spec(
        "budgets", sites=["FNAL", "CERN"], jobs={"events_per_job": 1}, reco={"rest_of_chain": "30 s"}
    )
    command = grid.start("submit", "budgets.yaml")
    try:
        await_running(grid.pool, {"FNAL": 2, "CERN": 1, "CLOSED": 0}, 120, most={"FNAL": 2, "CERN": 1, "CLOSED": 0})
        before = folder.sites.read_bytes()
        write_site(grid, "FNAL", 4, "auto")
        path = grid.root / "sites" / "CERN.yaml"
        path.write_text(path.read_text().replace("10 Mb/s\ncampaign", "10\ncampaign"))
        printed = grid.run("sites", "apply", expect=2)
        assert "CERN.yaml" in printed
        assert "has no unit" in printed
        assert folder.sites.read_bytes() == before
        assert not folder.site_edits.exists() or not folder.site_edits.read_text()
    finally:
        command.kill()
        command.communicate()
