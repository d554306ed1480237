"""A job starts from a shared Python, an archive or a container image, and HTCondor is told all that it must carry."""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import htcondor2
import pytest

from jobs.errors import UsageError
from jobs.exits import CHECKPOINT_EXIT, EXITS, ExitClass
from jobs.layout import BlockFolder
from jobs.running.describe import ClusterRequest, SiteTerms, describe
from jobs.running.launch import (
    LAUNCHER,
    ContainerImage,
    JobFiles,
    PackedArchive,
    SharedPython,
    WorkerEnvironment,
    launch,
)

FOLDER = BlockFolder(Path("/results/test/blocks/00003"))
FILES = JobFiles({5: "/data/a file.root", 7: "root://eos.example.org//data/b.root"}, "/models/net.onnx")
CARRIED = "/results/test/blocks/00003/block.json,/models/net.onnx,$(job_input)"


def submit_of(environment: WorkerEnvironment, files: JobFiles = FILES) -> htcondor2.Submit:
    """The description of a cluster, as HTCondor's own parser reads it."""
    request = ClusterRequest(
        campaign="test",
        folder=Path("/results/test"),
        digest="abc",
        block=3,
        slots={"FNAL": "true"},
        terms={"FNAL": SiteTerms(charge_mbps=34.0, share_mbps=27.2)},
        limits={},
        most_jobs=0,
        runs_as="",
        memory_mb=1500,
        disk_mb=100,
        max_runtime_s=3600,
        max_retries=3,
    )
    jobs = [(5, "gpu"), (7, "cpu")]
    return htcondor2.Submit(describe(FOLDER, jobs, request, launch(environment, FOLDER, files)))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of 2.5 MB."""
    path = tmp_path / "worker.tar.gz"
    path.write_bytes(bytes(2_500_000))
    return path


def test_a_shared_python_needs_no_transfer() -> None:
    """Where workers see the same file system, nothing is carried and paths are as they are here."""
    submit = submit_of(SharedPython(Path("/venv/bin/python")))
    assert (submit["universe"], submit["executable"]) == ("vanilla", "/venv/bin/python")
    assert submit["should_transfer_files"] == "NO"
    assert "transfer_input_files" not in list(submit)
    assert submit["request_disk"] == "100MB"
    assert submit.getQArgs().startswith("job,flavour from")


def test_an_archive_is_carried_with_all_that_a_job_reads(archive: Path) -> None:
    """Archive, description, network and the job's own input travel; one folder comes home, after the end only."""
    submit = submit_of(PackedArchive(str(archive)))
    assert (submit["universe"], submit["executable"]) == ("vanilla", str(LAUNCHER))
    assert submit["arguments"] == "\"'worker.tar.gz' 'returned' 'block.json' '$(job)' '--returned' 'returned'\""
    assert submit["should_transfer_files"] == "YES"
    assert submit["when_to_transfer_output"] == "ON_EXIT"
    assert submit["transfer_input_files"] == f"{archive},{CARRIED}"
    assert submit["transfer_output_files"] == FOLDER.returned.name
    assert submit["error"] == "/results/test/blocks/00003/logs/$(job).log"
    assert submit["output"] == "/dev/null"


def test_an_archive_takes_room_on_the_worker(archive: Path) -> None:
    """The slot must have room for the archive and what is in it, on top of what the job asks for."""
    assert submit_of(PackedArchive(str(archive)))["request_disk"] == "110MB"


def test_a_container_runs_the_payload_of_its_image() -> None:
    """HTCondor's container universe gets the image; everything else travels as with an archive."""
    submit = submit_of(ContainerImage("docker://registry.example.org/sonicgrid:1"))
    assert submit["universe"] == "container"
    assert submit["container_image"] == "docker://registry.example.org/sonicgrid:1"
    assert submit["executable"] == str(LAUNCHER)
    assert submit["arguments"].startswith("\"'-' 'returned'")
    assert submit["transfer_input_files"] == CARRIED
    assert submit["transfer_output_files"] == FOLDER.returned.name
    assert submit["request_disk"] == "100MB"


@pytest.mark.parametrize("environment", [ContainerImage("a.sif"), PackedArchive("https://example.org/worker.tar.gz")])
def test_a_local_input_travels_and_a_url_is_read_where_it_is(environment: WorkerEnvironment) -> None:
    """Each job carries its own input; a job whose input is a URL carries none."""
    queue = launch(environment, FOLDER, FILES).queue([(5, "gpu"), (7, "cpu")])
    assert queue == "queue job,flavour,job_input from (\n5,gpu,/data/a file.root\n7,cpu,\n)"


def test_an_archive_at_a_url_is_fetched_by_the_worker() -> None:
    """A cache near the site can serve the archive."""
    submit = submit_of(PackedArchive("https://example.org/worker.tar.gz"))
    assert submit["transfer_input_files"].startswith("https://example.org/worker.tar.gz,")
    assert submit["arguments"].startswith("\"'worker.tar.gz'")


def test_the_network_travels_only_where_it_is_needed() -> None:
    """Jobs of the gpu flavour carry no network."""
    submit = submit_of(ContainerImage("a.sif"), JobFiles({5: "/data/a.root"}))
    assert submit["transfer_input_files"] == "/results/test/blocks/00003/block.json,$(job_input)"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (JobFiles({5: "/data/a,b.root"}), r"job 5: HTCondor cannot carry /data/a,b.root .* because of ','"),
        (JobFiles({5: "/data/$(x).root"}), r"because of '\$' in its name: rename it"),
        (JobFiles({}, "/a,b/net.onnx"), r"HTCondor cannot carry /a,b/net.onnx"),
        (JobFiles({5: "/data/returned"}), r"job 5: /data/returned and the folder that comes home would have one name"),
        (JobFiles({5: "/data/net.onnx"}, "/m/net.onnx"), r"/data/net.onnx and /m/net.onnx would have one name"),
        (JobFiles({5: "/data/block.json"}), r"would have one name on the worker, block.json: rename the file"),
    ],
)
def test_names_that_would_go_wrong_on_the_worker_are_refused(files: JobFiles, words: str) -> None:
    """HTCondor splits its list at commas and carries files by their last name; what that spoils is named before."""
    with pytest.raises(UsageError, match=words):
        launch(ContainerImage("a.sif"), FOLDER, files)


def test_inputs_of_two_jobs_may_have_one_name() -> None:
    """They go to two sandboxes."""
    launch(ContainerImage("a.sif"), FOLDER, JobFiles({5: "/data/1/a.root", 7: "/data/2/a.root"}))


def test_a_missing_archive_is_named_with_its_remedy(tmp_path: Path) -> None:
    """Nothing is submitted whose environment is not there."""
    with pytest.raises(UsageError, match=r"no.tar.gz: the archive .* cannot be read: No such file.*sonicgrid pack"):
        launch(PackedArchive(str(tmp_path / "no.tar.gz")), FOLDER, FILES)


def start(sandbox: Path, *arguments: str, path: str = os.defpath) -> subprocess.CompletedProcess[str]:
    """Run the launcher in a sandbox."""
    command = ["/bin/sh", str(LAUNCHER), *arguments]
    return subprocess.run(command, cwd=sandbox, env={"PATH": path}, capture_output=True, text=True, check=False)


def tools(folder: Path, python3: str) -> str:
    """A PATH with the few programs of a small image, and a python3 that does as told."""
    folder.mkdir()
    for name in ("mkdir", "uname"):
        (folder / name).symlink_to(Path("/bin") / name)
    if python3:
        (folder / "python3").write_text(f"#!/bin/sh\n{python3}\n")
        (folder / "python3").chmod(0o755)
    return str(folder)


def test_the_launcher_unpacks_and_runs_what_is_in_the_archive(tmp_path: Path) -> None:
    """Arguments and exit status pass through, the log says where it runs, the archive makes room."""
    run = tmp_path / "run"
    run.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 21\n')
    run.chmod(0o755)
    sandbox = tmp_path / "a sandbox"
    sandbox.mkdir()
    with tarfile.open(sandbox / "w.tar.gz", "w:gz") as tar:
        tar.add(run, "run")
    done = start(sandbox, "w.tar.gz", "returned", "block.json", "5")
    assert done.returncode == 21
    assert done.stdout == ""
    assert f"job starts on host {os.uname().nodename} in {sandbox}, environment: w.tar.gz" in done.stderr
    assert done.stderr.endswith("<-m><jobs.payload><block.json><5>")
    assert sorted(path.name for path in sandbox.iterdir()) == ["environment", "returned"]


def test_the_launcher_reads_no_argument_as_code(tmp_path: Path) -> None:
    """Whatever a name holds, the payload gets it as it is, and nothing else happens."""
    names = ["$(touch pwned)", "`touch pwned`", ";touch pwned", 'it\'s "one"', "--leading", "two\nlines", "*"]
    path = tools(tmp_path / "bin", '[ "$1" = -c ] && exit 0\nprintf "<%s>" "$@"')
    done = start(tmp_path, "-", "returned", *names, path=path)
    assert done.stderr.endswith("<-m><jobs.payload>" + "".join(f"<{name}>" for name in names))
    assert list(tmp_path.rglob("pwned")) == []


def test_a_job_that_left_to_have_its_checkpoint_saved_starts_again_in_its_folder(tmp_path: Path) -> None:
    """HTCondor starts the same command in the same folder, where the archive is unpacked and gone."""
    run = tmp_path / "run"
    run.write_text("#!/bin/sh\necho start >> returned/starts\nexit 85\n")
    run.chmod(0o755)
    sandbox = tmp_path / "sandbox"
    sandbox.mkdir()
    with tarfile.open(sandbox / "w.tar.gz", "w:gz") as tar:
        tar.add(run, "run")
    for _ in range(3):
        assert start(sandbox, "w.tar.gz", "returned", "block.json", "5").returncode == CHECKPOINT_EXIT
    assert (sandbox / "returned" / "starts").read_text() == "start\n" * 3


def test_htcondor_is_told_of_checkpoints_where_it_must_carry_them(archive: Path) -> None:
    """With files that are shared they lie where the next attempt finds them, and no exit status means anything new."""
    wanted = {"checkpoint_exit_code": "85", "transfer_checkpoint_files": "returned"}
    told = submit_of(PackedArchive(str(archive)), replace(FILES, checkpoints=True))
    assert {name: told[name] for name in wanted} == wanted
    assert told["when_to_transfer_output"] == "ON_EXIT_OR_EVICT"
    assert "'--returned' 'returned' '--leave-to-save'" in told["arguments"]
    for other in (
        submit_of(PackedArchive(str(archive))),
        submit_of(SharedPython(Path("/usr/bin/python3")), replace(FILES, checkpoints=True)),
    ):
        assert not wanted.keys() & set(other.keys())
        assert "--leave-to-save" not in other["arguments"]


def test_a_damaged_archive_is_the_workers_trouble(tmp_path: Path) -> None:
    """Another worker may get it whole; the folder that comes home is there all the same."""
    (tmp_path / "w.tar.gz").write_bytes(b"no archive")
    done = start(tmp_path, "w.tar.gz", "returned", "block.json", "5")
    assert done.returncode == EXITS[ExitClass.WORKER].code
    assert "error: host" in done.stderr
    assert "w.tar.gz cannot be unpacked" in done.stderr
    assert (tmp_path / "returned").is_dir()


@pytest.mark.parametrize(
    ("python3", "words"), [("", "there is no python3 in the container"), ("exit 1", "python3 has no SonicGrid")]
)
def test_an_image_that_lacks_something_is_named(tmp_path: Path, python3: str, words: str) -> None:
    """An image without Python, or without this software, is told from a bug."""
    path = tools(tmp_path / "bin", python3)
    done = start(tmp_path, "-", "returned", "block.json", "5", path=path)
    assert done.returncode == EXITS[ExitClass.WORKER].code
    assert words in done.stderr


def test_in_a_container_the_python_of_the_image_runs(tmp_path: Path) -> None:
    """Its exit status is the job's."""
    path = tools(tmp_path / "bin", '[ "$1" = -c ] && exit 0\nprintf "<%s>" "$@"\nexit 10')
    done = start(tmp_path, "-", "returned", "block.json", "5", path=path)
    assert done.returncode == 10
    assert done.stderr.endswith("<-m><jobs.payload><block.json><5>")
