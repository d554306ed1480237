"""Outputs that are not in the campaign's folder are validated and merged like those that are."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uproot

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.planning.plan import write_plan
from jobs.results import check_output
from jobs.results.merge import main as merge_main
from jobs.results.merge import merge
from jobs.results.validate import main, read_validation, validate
from jobs.running.reopen import reopen
from jobs.running.submit import jobs_to_run
from tests.builders.bench import begin
from tests.builders.xrootd_server import XrootdServerProcess, hurry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.builders.bench import Bench


@dataclass
class Staged:
    """A planned campaign and the folder of this machine to which its outputs go."""

    bench: Bench
    base: str
    disk: Path
    server: XrootdServerProcess | None

    def finish(self, number: int) -> Path:
        """Let a job succeed; returns its output on this machine's disk."""
        job = self.bench.jobs[number]
        made = self.bench.finish(number, output_file=f"{self.base}/{self.bench.made.campaign.name}/{job.output_file}")
        path = self.disk / "small" / job.output_file
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, path)
        return path

    def left(self) -> list[int]:
        """The jobs of the first block that would run."""
        manifest = self.bench.made.manifest
        return jobs_to_run(self.bench.folder.block(0), manifest.block(0), manifest.digest)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XrootdServerProcess]:
    """One XRootD server for all tests of this file."""
    server = XrootdServerProcess(tmp_path_factory.mktemp("xrootd")).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["directory", "xrootd"])
def staged(request: pytest.FixtureRequest, tmp_path: Path) -> Staged:
    """A campaign of five jobs whose outputs go elsewhere."""
    server, base, disk = None, str(tmp_path / "elsewhere"), tmp_path / "elsewhere"
    if request.param == "xrootd":
        server = request.getfixturevalue("running")
        base, disk = f"{server.url}/{tmp_path.name}", server.store / tmp_path.name
    return Staged(begin(tmp_path, output={"stage_out": base}), base, disk, server)


def test_a_staged_campaign_is_validated_and_merged(staged: Staged) -> None:
    """Every event is counted where it lies, and the merged files in the campaign's folder have all of them."""
    for job in staged.bench.jobs:
        staged.finish(job)
    folder = staged.bench.folder
    assert [path for path in folder.outputs.rglob("*") if path.is_file()] == []
    assert main(["--folder", str(folder.root)]) == 0
    found = read_validation(folder)
    assert (found.complete, found.events, found.contradictions) == (True, 9, ())
    assert merge_main(["--folder", str(folder.root)]) == 0
    with uproot.open(next(folder.merged.glob("*.root"))) as file:
        assert file["scores"].num_entries == 9
    assert staged.left() == []


def test_what_is_lost_or_cut_short_there_runs_again(staged: Staged) -> None:
    """A record without its whole output is re-run, never counted; an output without its record is never looked at."""
    paths = {job: staged.finish(job) for job in staged.bench.jobs}
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    next(staged.bench.folder.block(0).records.glob("0000002*")).unlink()
    assert staged.left() == [0, 1, 2]
    found = validate(staged.bench.folder)
    assert not found.complete
    assert {row.job: row.exit_class for row in found.missing} == {0: "not_run", 1: "contradiction", 2: "not_run"}


def test_a_changed_byte_is_found(staged: Staged) -> None:
    """After the transfer the checksum is compared again, with the record's."""
    for job in staged.bench.jobs:
        path = staged.finish(job)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (row,) = validate(staged.bench.folder).missing
    assert "its SHA-256 is" in row.reason
    assert staged.base in row.reason


def test_leftovers_are_swept_and_strangers_named(staged: Staged) -> None:
    """What killed attempts left is removed at the end; a file of somebody else is not."""
    for job in staged.bench.jobs:
        path = staged.finish(job)
    part, stranger = path.with_name(f"{path.name}.1.2.3.part"), path.with_name("mine.root")
    for one in (part, stranger):
        one.write_text("x")
    assert main(["--folder", str(staged.bench.folder.root)]) == 0
    found = read_validation(staged.bench.folder)
    assert [name.rpartition("/")[2] for name in found.leftovers] == [part.name]
    assert not part.exists()
    assert stranger.exists()
    (contradiction,) = found.contradictions
    assert f"{staged.base}/small/outputs/00001/mine.root: no job of this campaign makes this file" in contradiction


def test_a_campaign_that_fell_short_is_judged_anew(staged: Staged) -> None:
    """When a person has moved a stranger away, the next submit validates again although no job has to run."""
    for job in staged.bench.jobs:
        path = staged.finish(job)
    path.with_name("mine.root").write_text("x")
    folder = staged.bench.folder
    main(["--folder", str(folder.root)])
    for number in (0, 1):
        folder.block(number).outcome.touch()
    assert reopen(folder) == 0
    assert not folder.validation.exists()


def test_another_place_is_refused_once_jobs_have_run(staged: Staged, tmp_path: Path) -> None:
    """Outputs in two places would be half a campaign; the error says what to do."""
    staged.finish(0)
    campaign = staged.bench.made.campaign
    moved = campaign.model_copy(update={"output": campaign.output.model_copy(update={"stage_out": str(tmp_path)})})
    with pytest.raises(CampaignError, match=r"has outputs in .*small, and output\.stage_out names another place now"):
        write_plan(replace(staged.bench.made, campaign=moved), staged.bench.folder)


@pytest.mark.parametrize("staged", ["xrootd"], indirect=True)
def test_a_server_that_is_away_proves_nothing(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs do not run again for that; `validate` waits, then says what to do; and the merge stops."""
    for job in staged.bench.jobs:
        staged.finish(job)
    folder, server = staged.bench.folder, staged.server
    assert server is not None
    main(["--folder", str(folder.root)])
    hurry()
    monkeypatch.setattr("jobs.storage.xrootd._ASK_S", 2)
    monkeypatch.setattr(check_output._PATIENCE, "longest_s", 0.0)
    monkeypatch.setattr(check_output._PATIENCE, "pause_s", 0.0)
    server.stop()
    try:
        assert staged.left() == []
        with pytest.raises(CampaignError, match=r"does not answer.*sonicgrid submit"):
            merge(folder)
        found = validate(folder)
    finally:
        server.start()
    assert {row.exit_class for row in found.missing} == {"contradiction"}
    assert "has not answered" in found.missing[0].reason
    assert "delete" not in found.missing[0].reason
    assert ExitClass.DONE not in found.failed
