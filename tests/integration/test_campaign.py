"""Whole campaigns on a real pool: HTCondor, Triton, Envoy, Snakemake and the command line as a user meets them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import psutil
import pytest

from jobs.block import read_block
from jobs.exits import ExitClass
from jobs.pool.down import pool_down
from jobs.pool.up import pool_up
from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.reco.read import open_events
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from jobs.running.driver import PROFILE, SNAKEFILE
from sonic.local import LocalScorer
from tests.builders.grid import Grid, merged_scores
from tests.builders.payload import an_event, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.layout import CampaignFolder

REAL_DATA = Path(os.environ.get("SONICGRID_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running pool of eight slots and one Triton server, in a folder of its own."""
    folder = tmp_path_factory.mktemp("pool")
    try:
        pool_up(folder, sites={"local": 8}, servers=1)
        yield folder
    finally:
        pool_down(folder)


@pytest.fixture
def grid(tmp_path: Path, pool: Path) -> Grid:
    """An empty folder on that pool."""
    return Grid(tmp_path, pool)


def generate(grid: Grid, files: int, events: int) -> int:
    """Make sparse one-APA files; returns the number of events."""
    for number in range(files):
        parameters = GeneratorParameters(n_apas=1, density=0.1)
        generate_file(grid.root / "data" / f"{number}.root", events, 7, parameters, subrun=number)
    return files * events


def wait_until(true: Callable[[], bool], timeout_s: float = 120) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)


def local_scores(path: str, model: str) -> dict[tuple[int, int, int], tuple[Any, Any]]:
    """Score a file in this process, for comparison: track and michel of each hit, in the hits' order."""
    scores = {}
    with open_events(path) as file, LocalScorer(Path(model)) as scorer:
        for event in file.events(0, file.n_events):
            built = build_views(event, file.channels, DEFAULT_ADC_PER_ELECTRON)
            track, michel = np.zeros(len(event.hits.channel)), np.zeros(len(event.hits.channel))
            if built.views:
                answers = scorer.score(built.views)
                track[built.hit_index] = np.concatenate([answer.em_trk_none[:, 0] for answer in answers])
                michel[built.hit_index] = np.concatenate([answer.michel for answer in answers])
            scores[event.id.run, event.id.subrun, event.id.event] = track, michel
    return scores


def test_both_flavours_score_every_hit_once(grid: Grid) -> None:
    """Every event comes out once, with one score row per hit in order, the same from Triton and in the job."""
    n_events = generate(grid, files=2, events=4)
    folder = grid.write_spec("both", cpu_comparison="50 %", jobs={"events_per_job": 2, "jobs_per_block": 3})
    printed = grid.run("submit", "both.yaml")
    assert "complete: 4 jobs" in printed
    events = merged_scores(folder)
    assert len(events) == n_events
    records = grid.records(folder)
    assert {record.flavour for record in records} == {"gpu", "cpu"}
    assert all((record.bytes_sent > 0) == (record.flavour == "gpu") for record in records)
    model = read_block(folder.block(0).description).network.file
    for path in sorted((grid.root / "data").glob("*.root")):
        for identity, (track, michel) in local_scores(str(path), model).items():
            np.testing.assert_allclose(np.asarray(events[identity]["track"]), track, atol=1e-5)
            np.testing.assert_allclose(np.asarray(events[identity]["michel"]), michel, atol=1e-5)
    page = folder.report.read_text()
    assert "both" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"no real detector data in {REAL_DATA}")
@pytest.mark.parametrize("flavour", ["gpu", pytest.param("cpu", marks=pytest.mark.long)])
def test_real_frame(grid: Grid, flavour: str) -> None:
    """A simulated ProtoDUNE-SP frame is imported and comes out with one score row per hit, in both flavours."""
    archive = REAL_DATA / "pdsp_sim_apa0_evt100.tar.bz2"
    grid.run("import-frames", str(archive), "--out", "data")
    folder = grid.write_spec("frame", flavour=flavour)
    grid.run("submit", "frame.yaml")
    (event,) = merged_scores(folder).values()
    (path,) = (grid.root / "data").glob("*.root")
    with open_events(str(path)) as file:
        (frame,) = file.events(0, 1)
    assert len(frame.hits.channel) > 10_000
    np.testing.assert_array_equal(np.asarray(event["hit_channel"]), frame.hits.channel)
    np.testing.assert_array_equal(np.asarray(event["hit_peak_tick"]), frame.hits.peak_tick)
    assert len(event["michel"]) == len(frame.hits.channel)


def test_bad_files_harm_only_themselves(grid: Grid) -> None:
    """Files that cannot be used are named and counted; every other event comes out; the exit status says so."""
    n_good = generate(grid, files=1, events=4)
    data = grid.root / "data"
    (data / "text.root").write_text("not a ROOT file at all\n" * 100)
    (data / "truncated.root").write_bytes((data / "0.root").read_bytes()[:20_000])
    write_file(data / "silent.root", [an_event(1, 0)])
    nan = an_event(5, 3)
    nan.wires.samples[2] = np.nan
    write_file(data / "nan.root", [nan])
    folder = grid.write_spec("bad")
    printed = grid.run("submit", "bad.yaml", expect=1)
    assert "complete but for 1 of" in printed
    events = merged_scores(folder)
    assert len(events) == n_good + 1
    assert any(ak.num(event["track"], axis=0) == 0 for event in events.values())
    report = folder.report.read_text()
    for name in ("text.root", "truncated.root", "nan.root"):
        assert name in report
    (failure,) = [record for record in grid.records(folder) if record.exit_class is not ExitClass.DONE]
    assert failure.exit_class is ExitClass.BAD_INPUT
    assert "nan.root" in failure.error
    assert not [path for path in folder.outputs.rglob("*") if path.is_file() and path.suffix != ".root"]


def kill_drivers(folder: CampaignFolder) -> int:
    """Kill everything on the submit side of a campaign at once; returns how many processes that were."""
    killed = 0
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(folder.root) in " ".join(words) and "jobs.payload" not in words:
            process.send_signal(signal.SIGKILL)
            killed += 1
    return killed


def test_killed_half_way_and_submitted_again(grid: Grid) -> None:
    """Command, driver, Snakemake and watchers are killed; the next submit attaches, and nothing runs twice."""
    n_events = generate(grid, files=4, events=6)
    folder = grid.write_spec("killed", jobs={"events_per_job": 1, "jobs_per_block": 10})
    first = grid.start("submit", "killed.yaml")
    wait_until(lambda: len(list(folder.blocks.glob("*/records/*.json"))) >= 3)
    first.kill()
    first.communicate()
    assert kill_drivers(folder) >= 2
    done_before = {record.job for record in grid.records(folder) if record.exit_class is ExitClass.DONE}
    assert len(done_before) < n_events
    assert f"complete: {n_events} jobs" in grid.run("submit", "killed.yaml")
    assert len(merged_scores(folder)) == n_events
    successes = [record.job for record in grid.records(folder) if record.exit_class is ExitClass.DONE]
    assert sorted(successes) == list(range(n_events))


def test_detached_and_cancelled(grid: Grid) -> None:
    """A detached driver needs no terminal; cancel stops it and empties the queue; submit takes the rest up."""
    n_events = generate(grid, files=4, events=4)
    folder = grid.write_spec("detached", jobs={"events_per_job": 1})
    assert grid.ask("submit", "detached.yaml", "--detach")["driver_cluster"] > 0
    wait_until(lambda: len(list(folder.blocks.glob("*/records/*.json"))) >= 2)
    assert grid.ask("status", "detached.yaml")["driver"]["pid"] > 0
    assert grid.ask("cancel", "detached.yaml")["driver_stopped"]
    wait_until(lambda: grid.ask("pool", "status", "--folder", str(grid.pool))["jobs"].get("running", 0) == 0)
    grid.run("submit", "detached.yaml", "--detach")
    wait_until(lambda: (folder.root / "complete").exists() and grid.ask("status", "detached.yaml")["driver"] is None)
    assert grid.ask("status", "detached.yaml")["verdict"].startswith("complete:")
    assert len(merged_scores(folder)) == n_events


def test_plain_snakemake(grid: Grid) -> None:
    """The workflow runs with nothing but Snakemake and the profile, and has nothing left to do afterwards."""
    generate(grid, files=1, events=2)
    folder = grid.write_spec("plain")
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--workflow-profile", str(PROFILE)),
        *("--directory", str(grid.root)),
        *("--config", f"campaign={grid.root / 'plain.yaml'}", f"sites={grid.root / 'sites'}"),
    ]
    first = subprocess.run(command, env=grid.environment, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert len(merged_scores(folder)) == 2
    again = subprocess.run([*command, "--dry-run"], env=grid.environment, capture_output=True, text=True, check=False)
    assert "Nothing to be done" in again.stdout + again.stderr
