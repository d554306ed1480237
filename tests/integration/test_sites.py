"""A campaign runs on the slots of its sites and on no others, and never more of it than a site allows."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from jobs.exits import ExitClass
from jobs.pool.down import pool_down
from jobs.pool.up import pool_up
from jobs.reco.generate import GeneratorParameters, generate_file
from tests.builders.grid import Grid, merged_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jobs.record import Record

N_EVENTS = 12


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pool that plays three sites, without inference servers."""
    folder = tmp_path_factory.mktemp("pool")
    try:
        pool_up(folder, sites={"FNAL": 3, "CERN": 3, "ELSEWHERE": 3}, servers=0)
        yield folder
    finally:
        pool_down(folder)


@pytest.fixture
def grid(tmp_path: Path, pool: Path) -> Grid:
    """A folder with two of the three sites and a few events."""
    grid = Grid(tmp_path, pool)
    (tmp_path / "sites").mkdir()
    for site in ("FNAL", "CERN"):
        (tmp_path / "sites" / f"{site}.yaml").write_text("endpoints: triton.example.org:8001\nuplink: 10 Gb/s\n")
    generate_file(tmp_path / "data" / "a.root", N_EVENTS, 7, GeneratorParameters(n_apas=1, density=0.02))
    return grid


def most_at_once(records: Sequence[Record]) -> int:
    """Return the largest number of attempts that ran at one moment."""
    return max(sum(other.started <= record.started < other.ended for other in records) for record in records)


def test_jobs_run_at_the_campaigns_sites_only(grid: Grid) -> None:
    """Slots of a site that the campaign does not name stay idle, and every record says where it ran."""
    folder = grid.write_spec("two", sites=["FNAL", "CERN"], flavour="cpu", jobs={"events_per_job": 1})
    grid.run("submit", "two.yaml")
    records = grid.records(folder)
    assert {record.site for record in records} == {"FNAL", "CERN"}
    assert len(merged_scores(folder)) == N_EVENTS


def test_a_sites_limit_holds_across_blocks(grid: Grid) -> None:
    """With `most_jobs`, never more jobs run at once, also when the campaign has several blocks."""
    (grid.root / "sites" / "FNAL.yaml").write_text(
        "endpoints: triton.example.org:8001\nuplink: 10 Gb/s\nmost_jobs: 2\n"
    )
    jobs = {"events_per_job": 1, "jobs_per_block": 4}
    folder = grid.write_spec("limited", sites=["FNAL"], flavour="cpu", jobs=jobs)
    grid.run("submit", "limited.yaml")
    assert len(merged_scores(folder)) == N_EVENTS
    assert most_at_once(grid.records(folder)) <= 2


def test_a_killed_job_runs_again(grid: Grid) -> None:
    """A payload that SIGKILL took without a word is run again by HTCondor, and its event comes out once."""
    folder = grid.write_spec("killed", sites=["FNAL"], flavour="cpu", jobs={"events_per_job": 1})
    command = grid.start("submit", "killed.yaml")
    killed = 0
    deadline = time.monotonic() + 60
    while not killed and time.monotonic() < deadline:
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "jobs.payload" in words and str(folder.root) in " ".join(words):
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
                break
        time.sleep(0.01)
    printed, _ = command.communicate(timeout=120)
    assert killed == 1
    assert command.returncode == 0, printed
    assert len(merged_scores(folder)) == N_EVENTS
    successes = [record.job for record in grid.records(folder) if record.exit_class is ExitClass.DONE]
    assert sorted(successes) == list(range(N_EVENTS))
