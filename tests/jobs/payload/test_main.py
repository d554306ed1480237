"""The program as HTCondor starts it: what comes in, what is left, and with which exit status."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uproot

from jobs.exits import EXITS, ExitClass, exit_class_of
from tests.builders.payload import an_event, write_file
from tests.builders.payload_process import RECORD, command, run
from tests.builders.starter import Starter

if TYPE_CHECKING:
    from tests.builders.payload import PayloadCampaign

NEVER_LOADED = ("pyarrow.lib", "pandas", "typer", "rich", "snakemake", "htcondor2", "matplotlib", "scipy")
FILE_LIMIT_BYTES = 8_000


def assert_failed(campaign: PayloadCampaign, done: subprocess.CompletedProcess[str], exit_class: ExitClass) -> str:
    """Assert that a run failed as it should: status, record, one clear error (returned), nothing half-written."""
    assert exit_class_of(done.returncode) is exit_class, done.stderr
    assert campaign.files() == [RECORD]
    record = campaign.record()
    assert record.exit_class is exit_class
    assert record.error in done.stderr
    assert "Traceback" not in done.stderr
    assert (record.events, record.output_file) == (0, "")
    return record.error


def test_a_good_job_leaves_its_output_and_its_record(campaign: PayloadCampaign) -> None:
    """Exit status 0 must mean both files, and nothing on standard output."""
    done = run(command(campaign))
    assert done.returncode == 0, done.stderr
    assert campaign.files() == [RECORD, "0000003.root"]
    record = campaign.record()
    assert (record.exit_class, record.events, record.hits) == (ExitClass.DONE, 3, 57)
    assert record.flavour == "cpu"
    assert record.stages.startup_s > 0
    assert done.stdout == ""
    assert "job 3: done, 3 events, 57 hits" in done.stderr


@pytest.mark.parametrize("answer", [None, b"", b"-2\n", b"what?\n"], ids=["hangs", "hangs up", "refuses", "lies"])
def test_an_htcondor_that_does_not_listen_does_no_harm(
    campaign: PayloadCampaign, tmp_path: Path, answer: bytes | None
) -> None:
    """Share and heartbeats are read and sent beside the work: without them the job must end as well as with them."""
    access = campaign.block.sites["here"].model_copy(update={"heartbeat_s": 0.1})
    campaign.change(sites={"here": access})
    with Starter(tmp_path, lambda line: answer) as starter:
        done = run(command(campaign), {"_CONDOR_CHIRP_CONFIG": str(starter.config)})
    assert done.returncode == 0, done.stderr
    assert starter.commands[0].startswith("ulog sonicgrid")
    assert campaign.record().hits == 57
    assert done.stderr.count("warning: heartbeat") == (answer is not None)


def test_a_job_does_not_load_what_it_does_not_need(campaign: PayloadCampaign) -> None:
    """Thousands of jobs pay for every import: the cpu flavour must load no gRPC, and neither what only others use."""
    arguments = command(campaign)
    done = run([arguments[0], "-X", "importtime", *arguments[1:]])
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert {"onnxruntime", "uproot"} <= loaded
    assert loaded & {"grpc", "tritonclient", *NEVER_LOADED} == set()


def test_the_gpu_flavour_does_not_load_onnx_runtime(campaign: PayloadCampaign) -> None:
    """A worker of the gpu flavour need not have ONNX Runtime at all."""
    campaign.change_job(flavour="gpu")
    arguments = command(campaign)
    done = run([arguments[0], "-X", "importtime", *arguments[1:]])
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"tritonclient", "uproot"} <= loaded
    assert loaded & {"onnxruntime", *NEVER_LOADED} == set()


def damaged(campaign: PayloadCampaign, kind: str) -> Path:
    """Make one kind of unusable input."""
    path, good = campaign.root / f"{kind}.root", Path(campaign.block.jobs[0].input_file)
    match kind:
        case "text":
            path.write_text("run,event\n1,2\n" * 100)
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(good.read_bytes()[: good.stat().st_size * 2 // 3])
        case "other trees":
            with uproot.recreate(path) as file:
                file.mktree("Events", {"x": "int32"}).extend({"x": np.arange(3)})
        case "nan":
            bad = an_event(2, 8)
            bad.wires.samples[17] = np.nan
            write_file(path, [an_event(0, 3), an_event(1, 4), bad, an_event(3, 5)])
        case "too short":
            write_file(path, [an_event(0, 3)])
        case "foreign channel":
            stray = an_event(1, 4)
            stray = replace(stray, hits=replace(stray.hits, channel=stray.hits.channel + np.int32(5000)))
            write_file(path, [an_event(0, 3), stray, an_event(2, 3), an_event(3, 3)])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", ""),
        ("empty", ""),
        ("truncated", ""),
        ("other trees", ""),
        ("nan", "entry 2"),
        ("too short", "entries 1 to 4"),
        ("foreign channel", "entry 1"),
    ],
)
def test_bad_input_is_named_and_leaves_nothing(campaign: PayloadCampaign, kind: str, words: str) -> None:
    """A file that cannot be used must end as bad input, with file and entry in the error, and no retry."""
    path = damaged(campaign, kind)
    campaign.change_job(input_file=str(path))
    error = assert_failed(campaign, run(command(campaign)), ExitClass.BAD_INPUT)
    assert str(path) in error
    assert words in error
    assert not EXITS[ExitClass.BAD_INPUT].retry


def test_a_missing_input_may_come_back(campaign: PayloadCampaign) -> None:
    """A file that is not there now must end as input away, which is tried again."""
    campaign.change_job(input_file=str(campaign.root / "gone.root"))
    assert "gone.root" in assert_failed(campaign, run(command(campaign)), ExitClass.INPUT_AWAY)


def test_a_missing_model_is_the_workers_fault(campaign: PayloadCampaign) -> None:
    """The cpu flavour without its model file must name the file and try another worker."""
    network = campaign.block.network.model_copy(update={"file": "/cvmfs/not/here.onnx"})
    campaign.change(network=network)
    assert "/cvmfs/not/here.onnx" in assert_failed(campaign, run(command(campaign)), ExitClass.WORKER)


def test_a_pool_that_nobody_serves_is_away(campaign: PayloadCampaign) -> None:
    """A closed port must end as pool away after the site's patience, with the endpoint in the error."""
    campaign.change_job(flavour="gpu")
    assert "127.0.0.1:1" in assert_failed(campaign, run(command(campaign)), ExitClass.POOL_AWAY)


@pytest.mark.parametrize("site", ["", "elsewhere"])
def test_a_site_that_the_block_does_not_know_is_named(campaign: PayloadCampaign, site: str) -> None:
    """A gpu job on a slot of an unknown site must say which sites there are."""
    campaign.change_job(flavour="gpu")
    done = run(command(campaign), {"SONICGRID_SITE": site})
    error = assert_failed(campaign, done, ExitClass.WORKER)
    assert f"site '{site}'" in error
    assert "here" in error


def test_wrong_arguments_are_the_callers_fault(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """A job number that is not in the block, or no block, must end with 2 and say so; there is nothing to record."""
    done = run(command(campaign, job=99))
    assert (done.returncode, campaign.files()) == (2, [])
    assert "no job 99" in done.stderr
    done = run([sys.executable, "-m", "jobs.payload", str(tmp_path / "none.json"), "1"])
    assert done.returncode == 2
    assert "none.json" in done.stderr
    assert run([sys.executable, "-m", "jobs.payload"]).returncode == 2


def test_help_teaches_the_exit_status() -> None:
    """--help must list every exit status and the site variable."""
    done = run([sys.executable, "-m", "jobs.payload", "--help"])
    assert done.returncode == 0
    for name, row in EXITS.items():
        assert f"{row.code:3}  {name}" in done.stdout
    assert "SONICGRID_SITE" in done.stdout


def test_an_output_that_may_grow_no_further_is_refused(campaign: PayloadCampaign) -> None:
    """A limit on file sizes, as batch systems set it, must end as an output failure with nothing left."""

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT_BYTES, FILE_LIMIT_BYTES))

    error = assert_failed(campaign, run(command(campaign), before=limit_files), ExitClass.OUTPUT)
    assert "0000003.root" in error


def test_a_full_disk_is_named_and_left_clean(campaign: PayloadCampaign, tmp_path: Path) -> None:
    """A real file system that runs full must end as an output failure, with no partial file on it."""
    if shutil.which("unshare") is None:
        pytest.skip("needs util-linux' unshare to mount a small file system")
    small = tmp_path / "small"
    small.mkdir()
    campaign.change_job(output_file=str(small / "0000003.root"))
    script = f"""
import json, pathlib, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", {str(small)!r}], check=True)
code = subprocess.run({command(campaign)!r}).returncode
print(json.dumps([code, [path.name for path in pathlib.Path({str(small)!r}).iterdir()]]))
"""
    done = run(["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", script])
    if done.returncode and ("unshare:" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"mounting as an ordinary user is not allowed here: {done.stderr}")
    code, left = json.loads(done.stdout)
    assert (exit_class_of(code), left) == (ExitClass.OUTPUT, [])
    record = campaign.record()
    assert record.exit_class is ExitClass.OUTPUT
    assert "No space left on device" in record.error
    assert str(small / "0000003.root") in record.error


@pytest.mark.parametrize(("entry_stop", "exit_class"), [(4, ExitClass.DONE), (9, ExitClass.BAD_INPUT)])
def test_a_log_that_takes_no_line_changes_nothing(
    campaign: PayloadCampaign, entry_stop: int, exit_class: ExitClass
) -> None:
    """A job whose log lies on a full disk must end as it would have ended."""
    campaign.change_job(entry_stop=entry_stop)
    done = run(["sh", "-c", 'exec "$@" > /dev/full 2>&1', "sh", *command(campaign)])
    assert exit_class_of(done.returncode) is exit_class
    assert campaign.record().exit_class is exit_class


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(campaign: PayloadCampaign) -> None:
    """An output folder that is not ours must end as an output failure."""
    (campaign.root / "outputs").mkdir(mode=0o500)
    assert "Permission denied" in assert_failed(campaign, run(command(campaign)), ExitClass.OUTPUT)
