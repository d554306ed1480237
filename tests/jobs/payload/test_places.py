"""A job in HTCondor's sandbox finds and leaves its files there, and speaks of them as they are called at home."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from jobs.exits import ExitClass, exit_class_of
from jobs.payload.places import sandbox_places, shared_places
from jobs.payload.worker import Worker
from jobs.record import read_record
from tests.builders.payload_process import RECORD, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.payload import PayloadCampaign

WORKER = Worker(site="here", host="h", cpu_model="c", cluster=12, proc=3, attempt=1)
RUN_IN = "import os, runpy, sys; os.chdir(sys.argv.pop(1)); runpy.run_module('jobs.payload', run_name='__main__')"


@pytest.fixture
def sandbox(campaign: PayloadCampaign, tmp_path: Path) -> Path:
    """A folder with what HTCondor carries, while the places that the block names are gone."""
    folder = tmp_path / "sandbox"
    (folder / "returned").mkdir(parents=True)
    model = tmp_path / "models" / "net.onnx"
    model.parent.mkdir()
    shutil.copy(campaign.block.network.file, model)
    campaign.change(network=campaign.block.network.model_copy(update={"file": str(model)}))
    for path in (tmp_path / "input.root", model, campaign.block_json):
        shutil.move(path, folder)
    return folder


def run_in(sandbox: Path) -> tuple[ExitClass, str]:
    """Run job 3 in the sandbox; returns its exit class and its log."""
    command = [sys.executable, "-c", RUN_IN, str(sandbox), "block.json", "3", "--returned", "returned"]
    done = run(command)
    return exit_class_of(done.returncode), done.stderr


def test_a_job_in_a_sandbox_leaves_what_comes_home_in_one_folder(campaign: PayloadCampaign, sandbox: Path) -> None:
    """Output and record bear the attempt's name, the record names everything as at home, nothing else is touched."""
    ended, log = run_in(sandbox)
    assert ended is ExitClass.DONE, log
    names = sorted(path.name for path in (sandbox / "returned").iterdir())
    assert names == [RECORD, "0000003.0.0.root"]
    record = read_record(sandbox / "returned" / RECORD)
    assert record.output_file == str(campaign.output)
    assert record.input_file == campaign.block.jobs[0].input_file
    assert record.output_bytes == (sandbox / "returned" / "0000003.0.0.root").stat().st_size
    assert campaign.files() == []
    assert sorted(path.name for path in sandbox.iterdir()) == ["block.json", "input.root", "net.onnx", "returned"]
    assert "runs the software in" in log


def test_an_error_in_a_sandbox_names_the_input_as_at_home(campaign: PayloadCampaign, sandbox: Path) -> None:
    """Whoever owns the data has never heard of the sandbox; the record comes home, and no output."""
    (sandbox / "input.root").write_text("no ROOT file")
    ended, log = run_in(sandbox)
    assert ended is ExitClass.BAD_INPUT
    record = read_record(sandbox / "returned" / RECORD)
    assert campaign.block.jobs[0].input_file in record.error
    assert str(sandbox) not in record.error
    assert record.error in log
    assert [path.name for path in (sandbox / "returned").iterdir()] == [RECORD]


def test_two_attempts_cannot_be_taken_for_one_another(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """What comes home is named after job, cluster and attempt."""
    block, job = campaign.block, campaign.block.jobs[0]
    places = sandbox_places(block, job, WORKER, tmp_path / "returned")
    assert places.record == tmp_path / "returned" / "0000003.12.1.json"
    assert places.output == tmp_path / "returned" / "0000003.12.1.root"
    assert places.partial_folder != places.output.parent


def test_a_url_is_read_where_it_is(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """Only what HTCondor carries is looked for in the sandbox."""
    job = campaign.block.jobs[0].model_copy(update={"input_file": "root://eos//a.root"})
    places = sandbox_places(campaign.block, job, WORKER, tmp_path)
    assert places.job.input_file == "root://eos//a.root"


def test_a_shared_file_system_changes_nothing(campaign: PayloadCampaign) -> None:
    """Every place is the one that the block names."""
    block, job = campaign.block, campaign.block.jobs[0]
    places = shared_places(block, job, WORKER)
    assert (places.block, places.job, places.output) == (block, job, campaign.output)
    assert places.partial_folder == campaign.output.parent
    assert places.record == campaign.root / "records" / "0000003.12.1.json"
