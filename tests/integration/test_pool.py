"""The embedded pool on real HTCondor: it starts once, stops without a trace, and keeps its queue."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import htcondor2
import psutil
import pytest
from htcondor2 import JobEventType

from jobs.errors import UsageError
from jobs.pool.client import client_command, client_environment, enter_pool
from jobs.pool.config import PoolFiles
from jobs.pool.processes import master, pool_processes
from jobs.pool.start import start_pool
from jobs.pool.status import condor_status
from jobs.pool.stop import stop_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.pool.htcondor import HTCondor
    from jobs.pool.state import PoolState

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets to enter a pool is gone after it."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("CONDOR_CONFIG", os.environ.get("CONDOR_CONFIG", ""))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Folder for a pool of one test's own, a space in its path; the pool is stopped afterwards."""
    place = tmp_path / "a pool"
    yield place
    stop_pool(place)


def cluster_of(folder: Path, work: Path, arguments: str, **more: str) -> tuple[int, htcondor2.Schedd]:
    """Submit one job of /bin/sh to the pool in a folder; returns its cluster and the schedd."""
    enter_pool(folder)
    schedd = htcondor2.Schedd()
    description = {
        "executable": "/bin/sh",
        "arguments": f'"{arguments}"',
        "initialdir": str(work),
        "log": str(work / "events.log"),
        "should_transfer_files": "NO",
        "request_memory": "1500MB",
        "request_disk": "1MB",
    }
    return schedd.submit(htcondor2.Submit(description | more)).cluster(), schedd


def wait_for(work: Path, kind: JobEventType) -> None:
    """Wait until the event log shows an event of this kind."""
    for event in htcondor2.JobEventLog(str(work / "events.log")).events(stop_after=PATIENCE_S):
        if event.type == kind:
            return
    pytest.fail(f"no {kind} within {PATIENCE_S} s")


def test_slots_advertise_their_sites(condor_pool: PoolState) -> None:
    """Each site has the slots that were asked for, and all of HTCondor's daemons run."""
    status = condor_status(Path(condor_pool.folder))
    assert {row.site: row.slots for row in status.sites} == condor_pool.sites
    assert {"master", "collector", "negotiator", "schedd", "startd"} <= set(status.daemons)


def test_python_submits_a_late_materialized_cluster_that_runs_to_its_end(
    condor_pool: PoolState, tmp_path: Path
) -> None:
    """Twelve rows, four jobs at a time: each row runs once with its own values, and the cluster ends complete."""
    enter_pool(Path(condor_pool.folder))
    out = tmp_path / "with a space"
    out.mkdir()
    description = htcondor2.Submit(
        {
            "executable": "/bin/sh",
            "arguments": "\"-c 'echo $(row) $(site)'\"",
            "initialdir": str(out),
            "output": "$(row).out",
            "error": "$(row).err",
            "log": str(out / "events.log"),
            "should_transfer_files": "NO",
            "request_memory": "1500MB",
            "request_disk": "1MB",
            "max_materialize": "4",
        }
    )
    rows = [{"row": f"row{number}", "site": "east west"} for number in range(12)]
    result = htcondor2.Schedd().submit(description, itemdata=iter(rows))
    assert result.num_procs() == 12
    ended = []
    for event in htcondor2.JobEventLog(str(out / "events.log")).events(stop_after=PATIENCE_S):
        if event.type == JobEventType.JOB_TERMINATED:
            ended.append((event.proc, event["ReturnValue"]))
        if event.type == JobEventType.CLUSTER_REMOVE:
            break
    assert sorted(ended) == [(number, 0) for number in range(12)]
    assert [(out / f"row{number}.out").read_text() for number in range(12)] == [
        f"row{number} east west\n" for number in range(12)
    ]


def test_commands_edit_a_running_cluster(condor_pool: PoolState, tmp_path: Path) -> None:
    """HTCondor's commands act with the pool's identity: a hold by condor_qedit's and condor_hold's way works."""
    folder = Path(condor_pool.folder)
    cluster, schedd = cluster_of(folder, tmp_path, "-c 'sleep 300'")
    for command in (["condor_qedit", str(cluster), "SharekBps", "3000"], ["condor_hold", str(cluster)]):
        done = subprocess.run(client_command(folder, command), env=client_environment(folder), capture_output=True)
        assert done.returncode == 0, done.stderr
    (job,) = schedd.query(f"ClusterId == {cluster}", ["SharekBps", "JobStatus"])
    assert (job["SharekBps"], job["JobStatus"]) == (3000, htcondor2.JobStatus.HELD)
    schedd.act(htcondor2.JobAction.Remove, f"ClusterId == {cluster}")


def test_local_universe_job_runs_as_the_user(condor_pool: PoolState, tmp_path: Path) -> None:
    """A campaign's driver can be a job beside the queue; what it writes is the user's."""
    folder = Path(condor_pool.folder)
    cluster_of(folder, tmp_path, "-c 'echo here > made'", universe="local")
    wait_for(tmp_path, JobEventType.JOB_TERMINATED)
    assert (tmp_path / "made").read_text() == "here\n"
    assert (tmp_path / "made").stat().st_uid == os.getuid()


def test_running_job_talks_through_chirp(condor_pool: PoolState, tmp_path: Path) -> None:
    """What a job says with condor_chirp appears in its event log."""
    chirp = f'""{condor_pool.condor_libexec}/condor_chirp""'
    cluster_of(Path(condor_pool.folder), tmp_path, f"-c '{chirp} ulog halfway'", **{"My.WantIOProxy": "true"})
    wait_for(tmp_path, JobEventType.GENERIC)
    assert "halfway" in (tmp_path / "events.log").read_text()


def test_up_twice_is_one_pool(condor_pool: PoolState, condor: HTCondor) -> None:
    """The second start returns the same pool, starts nothing, and refuses other sites."""
    folder = Path(condor_pool.folder)
    before = master(PoolFiles(folder))
    assert before is not None
    assert start_pool(folder, condor) == condor_pool
    assert master(PoolFiles(folder)) == before
    with pytest.raises(UsageError, match="pool down"):
        start_pool(folder, condor, {"elsewhere": 1})


def test_secrets_are_the_owners_alone(condor_pool: PoolState) -> None:
    """Key and token can be read by nobody else, and stand in no log."""
    files = PoolFiles(Path(condor_pool.folder))
    secrets = [files.signing_key, *files.tokens.iterdir()]
    assert [oct(path.stat().st_mode & 0o777) for path in secrets] == ["0o600"] * 2
    logs = b"".join(path.read_bytes() for path in files.log.rglob("*") if path.is_file())
    assert not [path for path in secrets if path.read_bytes().strip() in logs]


def test_everything_listens_on_loopback_only(condor_pool: PoolState) -> None:
    """No process of the pool can be reached from another machine."""
    listening = [
        connection.laddr.ip
        for process in pool_processes(PoolFiles(Path(condor_pool.folder)))
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_pools_side_by_side_do_not_meet(condor_pool: PoolState, condor: HTCondor, folder: Path, tmp_path: Path) -> None:
    """Each sees its own slots and queue, one's token is worth nothing in the other, stopping one spares the other."""
    other = start_pool(folder, condor, {"other": 2})
    assert [row.site for row in condor_status(folder).sites] == ["other"]
    assert {row.site for row in condor_status(Path(condor_pool.folder)).sites} == set(condor_pool.sites)

    mixed = tmp_path / "mixed_config"
    text = Path(other.condor_config).read_text().replace(f":{other.port}", f":{condor_pool.port}")
    mixed.write_text(text)
    command = [f"{other.condor_bin}/condor_status"]
    refused = subprocess.run(command, env={"CONDOR_CONFIG": str(mixed)}, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "authenticat" in refused.stderr.lower()

    assert stop_pool(folder) > 0
    assert condor_status(Path(condor_pool.folder)).up


def test_down_leaves_no_process_and_the_queue_comes_back(condor: HTCondor, folder: Path, tmp_path: Path) -> None:
    """A running job and all its children end with the pool; after the next start it runs again."""
    state = start_pool(folder, condor, {"local": 1})
    cluster, _ = cluster_of(folder, tmp_path, "-c 'setsid sleep 301 & sleep 302'")
    wait_for(tmp_path, JobEventType.EXECUTE)
    children = _wait_for_children(folder, "sleep", 2)

    assert stop_pool(folder) > len(children)
    assert not [process for process in children if process.is_running()]
    assert _mentioning(folder) == []
    assert stop_pool(folder) == 0
    assert not condor_status(folder).up

    assert start_pool(folder, condor) == state
    assert len(_wait_for_children(folder, "sleep", 2)) == 2
    enter_pool(folder)
    assert len(htcondor2.Schedd().query(f"ClusterId == {cluster}", ["ProcId"])) == 1


def test_killed_pool_comes_up_again_with_its_queue(condor: HTCondor, folder: Path, tmp_path: Path) -> None:
    """After SIGKILL of every daemon, as after a reboot, the address is the same and no job is lost or left behind."""
    state = start_pool(folder, condor, {"local": 1})
    cluster, _ = cluster_of(folder, tmp_path, "-c 'sleep 303 & wait'")
    (orphan,) = _wait_for_children(folder, "sleep", 1)
    killed = [process for process in pool_processes(PoolFiles(folder)) if _name(process) not in ("sh", "sleep")]
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=PATIENCE_S)

    assert start_pool(folder, condor) == state
    assert not orphan.is_running()
    enter_pool(folder)
    assert len(htcondor2.Schedd().query(f"ClusterId == {cluster}", ["ProcId"])) == 1
    assert [_name(process) for process in pool_processes(PoolFiles(folder))].count("condor_master") == 1
    assert _wait_for_children(folder, "sleep", 1) != [orphan]


def test_down_finds_the_daemons_of_a_killed_master(condor: HTCondor, folder: Path) -> None:
    """Nobody but their environment tells of them any more, and that is enough."""
    start_pool(folder, condor, {"local": 1})
    head = master(PoolFiles(folder))
    assert head is not None
    head.kill()
    psutil.wait_procs([head], timeout=PATIENCE_S)
    stop_pool(folder)
    assert _mentioning(folder) == []


def test_settings_of_the_shell_do_not_leak_in(condor: HTCondor, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables and a home folder that would turn HTCondor elsewhere change nothing."""
    monkeypatch.setenv("_CONDOR_COLLECTOR_HOST", "nowhere.example:9618")
    monkeypatch.setenv("_CONDOR_SPOOL", "/nonexistent")
    monkeypatch.setenv("HOME", "/nonexistent")
    start_pool(folder, condor, {"local": 2})
    assert [(row.site, row.slots) for row in condor_status(folder).sites] == [("local", 2)]


def test_command_line_shows_the_pool(condor_pool: PoolState) -> None:
    """`status --json` is one document with the sites, the jobs and the servers."""
    program = "from jobs.cli.pool import app; app()"
    command = [sys.executable, "-c", program, "status", "--json", "--folder", condor_pool.folder]
    document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert document["up"] is True
    assert {row["site"]: row["slots"] for row in document["sites"]} == condor_pool.sites
    assert set(document["jobs"]) >= {"held", "running", "idle"}
    assert document["servers"] == []


def _name(process: psutil.Process) -> str:
    """Return a process's name, empty when it has just ended."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def _wait_for_children(folder: Path, name: str, count: int) -> list[psutil.Process]:
    """Wait until so many processes of this name run in a pool's jobs."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = [process for process in pool_processes(PoolFiles(folder)) if _name(process) == name]
        if len(found) == count:
            return found
        time.sleep(0.1)
    pytest.fail(f"no {count} processes {name} within {PATIENCE_S} s")


def _mentioning(folder: Path) -> list[str]:
    """Return the command lines of all processes, zombies left out, that have to do with a folder in any way."""
    pgrep = shutil.which("ps")
    assert pgrep is not None
    listing = subprocess.run([pgrep, "axeww", "-o", "stat,pid,args"], capture_output=True, text=True, check=True).stdout
    own = str(os.getpid())
    return [
        line
        for line in listing.splitlines()
        if f"{folder}/" in line and not line.startswith("Z") and line.split()[1] != own and "axeww" not in line
    ]
