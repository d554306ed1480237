"""The commands of a campaign's life say what is wrong, in text and in JSON, and start nothing that they should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.cli import life
from jobs.exits import ExitClass
from jobs.layout import CampaignFolder
from jobs.running.follow import Standing
from jobs.running.lock import Driver, hold_lock, one_submit, sign_lock
from jobs.running.outcome import judge, write_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.bench import Bench

SONICGRID = str(Path(sys.executable).with_name("sonicgrid"))


def sonicgrid(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where there is no pool."""
    inherited = {name: value for name, value in os.environ.items() if name != "CONDOR_CONFIG"}
    environment = inherited | {"SONICGRID_POOL": str(folder / "no-pool"), "COLUMNS": "200"}
    command = [SONICGRID, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_unknown_campaign(tmp_path: Path) -> None:
    """A campaign that does not exist is wrong use, and the shipped ones are named."""
    ran = sonicgrid(tmp_path, "status", "nowhere")
    assert ran.returncode == 2
    assert "nowhere" in ran.stderr
    assert "demo" in ran.stderr


def test_error_as_json(tmp_path: Path) -> None:
    """With --json an error is a document too, with the same exit status."""
    ran = sonicgrid(tmp_path, "cancel", "nowhere", "--json")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["kind"] == "UsageError"


def test_submit_without_inputs_starts_nothing(
    tmp_path: Path, write_spec: Callable[..., Path], sites_folder: Path
) -> None:
    """A pattern that matches nothing is told at once, before a pool is looked for or a folder made."""
    ran = sonicgrid(tmp_path, "submit", str(write_spec()), "--sites-folder", str(sites_folder))
    assert ran.returncode == 2
    assert "matches no file" in ran.stderr
    assert not (tmp_path / "results").exists()


def test_submit_without_a_pool(tmp_path: Path, write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """Where no HTCondor answers, the way to start one is told."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.root").touch()
    ran = sonicgrid(tmp_path, "submit", str(write_spec()), "--sites-folder", str(sites_folder))
    assert ran.returncode == 1
    assert "sonicgrid pool up" in ran.stderr


def test_status_before_the_plan(tmp_path: Path, write_spec: Callable[..., Path]) -> None:
    """A campaign that has not begun says so; that is no error."""
    spec = str(write_spec())
    assert "has not been planned" in sonicgrid(tmp_path, "status", spec).stdout
    assert json.loads(sonicgrid(tmp_path, "status", spec, "--json").stdout)["planned"] is False


def test_status_of_a_campaign(tmp_path: Path, begin: Callable[..., Bench]) -> None:
    """States of jobs, events and what is left, without a pool."""
    bench = begin()
    for job in (0, 1):
        bench.finish(job)
    bench.report(2, ExitClass.BAD_INPUT, error="NaN")
    block = bench.folder.block(0)
    manifest = bench.made.manifest
    write_outcomes(block.outcome, judge(block, {job.job: Standing() for job in manifest.block(0)}))
    document = json.loads(sonicgrid(tmp_path, "status", str(bench.folder.root), "--json").stdout)
    assert document["states"] == {"done": 2, "failed": 1, "pending": 2}
    assert document["events_done"] == 4
    assert document["driver"] is None


def test_the_end_that_a_killed_driver_left_to_its_snakemake_counts(tmp_path: Path) -> None:
    """The driver was killed, Snakemake went on to the end: the mark that it made is newer than what was checked."""
    folder = CampaignFolder(tmp_path)
    with hold_lock(folder) as lock:
        sign_lock(lock, Driver(pid=1, host="here", started=0.0))
    folder.complete.touch()
    folder.validation.touch()
    os.utime(folder.complete, (1, 1))
    assert not life._went_through(folder)
    folder.complete.touch()
    assert life._went_through(folder)
    with hold_lock(folder) as lock:
        sign_lock(lock, Driver(pid=1, host="here", started=0.0, status=1))
    assert not life._went_through(folder)


def test_two_submits_at_once_take_turns(tmp_path: Path) -> None:
    """While one looks for a driver and starts it, another waits: both would begin a round, and reopen blocks."""
    folder = CampaignFolder(tmp_path)
    turns = []

    def second() -> None:
        with one_submit(folder):
            turns.append("second")

    other = threading.Thread(target=second)
    with one_submit(folder):
        other.start()
        other.join(timeout=0.2)
        turns.append("first")
    other.join()
    assert turns == ["first", "second"]
