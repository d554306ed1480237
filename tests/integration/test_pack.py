"""Jobs run on workers that see nothing of the machine that submits, and what they did comes home whole."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import pytest
import uproot
import yaml

from jobs.exits import ExitClass
from jobs.layout import CHECKOUT
from jobs.manifest import read_manifest
from jobs.pack.choose import choose_packages
from jobs.planning.plan import make_plan, write_plan
from jobs.planning.write_blocks import write_blocks
from jobs.pool import start
from jobs.pool.client import enter_pool
from jobs.pool.config import daemon_config
from jobs.pool.start import start_pool
from jobs.pool.stop import stop_pool
from jobs.reco.generate import GeneratorParameters, generate_file
from jobs.record import read_records
from jobs.running.outcome import read_outcomes
from jobs.running.queue import open_queue
from jobs.running.watch import watch_block
from jobs.spec.campaign import load_campaign
from jobs.spec.environment import Environment
from jobs.spec.site import load_sites, site_access
from jobs.throttle.keep import Shift
from tests.builders.grid import SONICGRID, Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobs.block import SiteAccess
    from jobs.layout import CampaignFolder
    from jobs.pool.htcondor import HTCondor
    from jobs.record import Record
    from sonic.server.state import ServersState

WRAPPER = """\
#!/bin/sh
exec unshare --user --map-root-user --mount sh -c '
    empty=$1; shift
    while [ "$1" != -- ]; do mount --bind "$empty" "$1" || exit 99; shift; done
    shift; cd "$_CONDOR_SCRATCH_DIR"; exec "$@"' hide {hidden} -- "$@"
"""
"""Starts a job in a mount namespace of its own, where some folders are empty."""


def hidden_folders(campaigns: Path) -> list[Path]:
    """What a worker elsewhere would not have: checkout, environment, Python, campaigns."""
    environments = {Path(str(package.locate_file(""))).resolve() for package in choose_packages().values()}
    python = Path(sysconfig.get_path("stdlib")) if sys.base_prefix == "/usr" else Path(sys.base_prefix)
    every = {CHECKOUT, python.resolve(), campaigns, *environments}
    # What lies in a hidden folder is hidden with it, and no longer there to be hidden.
    return sorted(path for path in every if every.isdisjoint(path.parents))


def can_hide() -> bool:
    """Whether this machine lets a user make a mount namespace."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Far:
    """A pool whose workers are far away, as much as this machine can make them."""

    folder: Path
    campaigns: Path
    hides: bool


@pytest.fixture(scope="module")
def far(condor: HTCondor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """A pool of one site whose jobs see neither checkout, nor environment, nor Python, nor the campaigns."""
    folder, campaigns = tmp_path_factory.mktemp("far"), tmp_path_factory.mktemp("campaigns")
    wrapper, hides = folder / "wrapper", can_hide()
    (folder / "empty").mkdir()
    hidden = " ".join(f"'{path}'" for path in (folder / "empty", *hidden_folders(campaigns)))
    wrapper.write_text(WRAPPER.format(hidden=hidden))
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        if hides:
            setting = f"USER_JOB_WRAPPER = {wrapper}\n"
            patch.setattr(start, "daemon_config", lambda *facts: daemon_config(*facts) + setting)
        try:
            start_pool(folder, condor, {"FAR": 4})
            yield Far(folder, campaigns, hides)
        finally:
            stop_pool(folder)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of this environment, as the command makes it; what it says of itself must be so."""
    path = tmp_path_factory.mktemp("archive") / "worker.tar.gz"
    command = [SONICGRID, "pack", "--out", str(path), "--json"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (said["archive"], said["bytes"]) == (str(path), path.stat().st_size)
    assert said["packages"] == {name: package.version for name, package in choose_packages().items()}
    assert said["bytes"] < 200e6
    return path


@pytest.fixture
def grid(far: Far, inference_pool: ServersState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Grid:
    """Two files of events, one with a blank and one with an apostrophe in its name, and a site with real Triton."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("CONDOR_CONFIG", "")
    monkeypatch.setenv("SONICGRID_POOL", str(far.folder))
    enter_pool(far.folder)
    root = far.campaigns / tmp_path.name
    (root / "sites").mkdir(parents=True)
    (root / "sites" / "FAR.yaml").write_text(f"endpoints: {inference_pool.endpoint}\nuplink: 10 Gb/s\nramp: 6000/min\n")
    for number, name in enumerate(("a file.root", "it's.root")):
        generate_file(root / "data" / name, 4, number, GeneratorParameters(n_apas=1, density=0.02))
    return Grid(root, far.folder)


def planned(grid: Grid, name: str, **changes: Any) -> CampaignFolder:  # noqa: ANN401 - whatever a spec can hold
    """Plan a campaign of one job per file, of both flavours."""
    values = {"sites": "FAR", "cpu_comparison": "50 %", "jobs": {"events_per_job": 4, "max_retries": 0}, **changes}
    folder = grid.write_spec(name, **values)
    write_plan(make_plan(grid.root / f"{name}.yaml", grid.root / "sites"), folder)
    return folder


def access_of(grid: Grid, folder: CampaignFolder) -> dict[str, SiteAccess]:
    """How jobs of each site reach the servers."""
    sites = load_sites(grid.root / "sites", load_campaign(folder.spec).sites, asked_by="a test")
    return {name: site_access(site, str) for name, site in sites.items()}


def run(grid: Grid, folder: CampaignFolder, environment: Environment | None) -> list[str]:
    """Run the campaign's one block to its end; returns the lines of progress."""
    path = grid.root / "sites" / "FAR.yaml"
    if environment is not None:
        keys = {**yaml.safe_load(path.read_text()), "environment": environment.model_dump(exclude_none=True)}
        path.write_text(yaml.safe_dump(keys))
    said: list[str] = []
    with Shift(folder, grid.root / "sites").on() as shift:
        watch_block(folder, 0, open_queue(), shift, said.append, poll_s=0.2)
    return said


def run_here(grid: Grid, folder: CampaignFolder, jobs: Iterable[int]) -> None:
    """Run jobs of a planned campaign as a slot with a shared file system does."""
    write_blocks(read_manifest(folder.manifest), load_campaign(folder.spec), access_of(grid, folder), folder)
    description = str(folder.block(0).description)
    for job in jobs:
        command = [sys.executable, "-m", "jobs.payload", description, str(job)]
        environment = {"PATH": os.defpath, "SONICGRID_SITE": "FAR"}
        subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, check=True)


def events_of(record: Record) -> list[Any]:
    """What the output of an attempt holds; it must be what its record says, byte for byte."""
    path = Path(record.output_file)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == record.output_sha256
    with uproot.open(path) as file:
        events: list[Any] = ak.to_list(file["scores"].arrays())
    return events


def by_job(folder: CampaignFolder) -> dict[int, Record]:
    """The one record of every job."""
    records = read_records(folder.block(0).records)
    assert len(records) == len({record.job for record in records})
    return {record.job: record for record in records}


def test_what_comes_home_is_what_a_shared_file_system_gives(grid: Grid, far: Far, archive: Path) -> None:
    """Both flavours run from the archive alone, against real Triton; outputs and records equal those of a job here."""
    folder, here = planned(grid, "far"), planned(grid, "here")
    said = run(grid, folder, Environment(archive=str(archive)))
    assert said[-1] == "block 0: through, 2 done, 0 failed", said
    run_here(grid, here, range(2))
    far_records, here_records = by_job(folder), by_job(here)
    assert {record.flavour for record in far_records.values()} == {"gpu", "cpu"}
    for job, record in far_records.items():
        other = here_records[job]
        assert events_of(record) == events_of(other)
        assert (record.site, record.input_file, record.events, record.hits, record.bytes_sent) == (
            other.site,
            other.input_file,
            other.events,
            other.hits,
            other.bytes_sent,
        )
        assert Path(record.output_file).is_relative_to(folder.outputs)
        log = (folder.block(0).logs / f"{job}.log").read_text()
        assert f"job starts on host {record.host} in {far.folder}" in log
        assert f"runs the software in {far.folder}" in log
        assert str(CHECKOUT) not in log
    assert list(folder.block(0).returned.iterdir()) == []


def test_a_failed_job_comes_home_with_its_record_and_nothing_else(grid: Grid, archive: Path) -> None:
    """The record names the input as the campaign knows it, the other job is done, and no output is empty or half."""
    folder = planned(grid, "spoilt", flavour="cpu")
    spoilt = grid.root / "data" / "it's.root"
    spoilt.write_bytes(spoilt.read_bytes()[:-2000])
    assert run(grid, folder, Environment(archive=str(archive)))[-1] == "block 0: through, 1 done, 1 failed"
    records = by_job(folder)
    failed = [record for record in records.values() if record.exit_class is not ExitClass.DONE]
    assert [(record.exit_class, record.input_file) for record in failed] == [(ExitClass.BAD_INPUT, str(spoilt))]
    assert all(str(spoilt) in record.error for record in failed)
    outputs = {path for path in folder.outputs.rglob("*") if path.is_file()}
    assert outputs == {Path(record.output_file) for record in records.values() if record.exit_class is ExitClass.DONE}
    assert {outcome.exit_class for outcome in read_outcomes(folder.block(0).outcome)} == {"done", "bad_input"}


def test_every_attempt_comes_home(grid: Grid, archive: Path) -> None:
    """An attempt that HTCondor tries again leaves its record too: a network that no worker can load fails each time."""
    (grid.root / "broken.onnx").write_text("no network")
    jobs = {"events_per_job": 4, "max_retries": 1}
    inputs, network = "data/a file.root", {"file": "broken.onnx"}
    folder = planned(grid, "again", inputs=inputs, flavour="cpu", jobs=jobs, network=network)
    assert run(grid, folder, Environment(archive=str(archive)))[-1] == "block 0: through, 0 done, 1 failed"
    records = read_records(folder.block(0).records)
    assert [(record.attempt, record.exit_class) for record in records] == [(0, "worker"), (1, "worker")]


def test_without_the_archive_these_workers_run_nothing(grid: Grid, far: Far) -> None:
    """The workers of this test are far away indeed: the Python of a shared file system is not there."""
    if not far.hides:
        pytest.skip("this machine forbids user namespaces, so that nothing can be hidden from a job")
    folder = planned(grid, "shared")
    run(grid, folder, None)
    assert by_job(folder) == {}
    assert [outcome.state for outcome in read_outcomes(folder.block(0).outcome)] == ["failed"] * 2
    assert "not found" in (folder.block(0).logs / "0.log").read_text()
