"""A job of several events that is evicted or killed in the middle, on a real HTCondor pool, redoes few of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import htcondor2
import psutil
import pytest
import uproot

from jobs.layout import CHECKOUT, BlockFolder
from jobs.pool.client import client_command, client_environment, enter_pool
from jobs.record import read_records
from jobs.running.bring_home import bring_home
from jobs.running.describe import ClusterRequest, SiteTerms, describe
from jobs.running.follow import BlockFollower
from jobs.running.launch import JobFiles, PackedArchive, SharedPython, WorkerEnvironment, launch
from jobs.running.queue import open_queue
from jobs.states import JobState
from tests.builders.payload import a_campaign, an_event, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.pool.state import PoolState
    from jobs.record import Record
    from tests.builders.payload import PayloadCampaign

JOB = 3
EVENTS = 8
EVENT_S = 0.7
"""The rest of the chain, as a sleep: so long takes an event."""


@dataclass
class Long:
    """A job of eight events that keeps what it has after every second one."""

    campaign: PayloadCampaign
    pool: Path
    cluster: int = -1

    @property
    def folder(self) -> BlockFolder:
        """Of its block."""
        return BlockFolder(self.campaign.root)

    def submit(self, environment: WorkerEnvironment) -> None:
        """Hand it over."""
        self.folder.logs.mkdir()
        self.folder.returned.mkdir()
        request = ClusterRequest(
            campaign="long",
            folder=self.campaign.root,
            digest=self.campaign.block.manifest_digest,
            block=0,
            slots={"here": 'GLIDEIN_Site == "FNAL"'},
            terms={"here": SiteTerms(charge_mbps=1.0, share_mbps=10.0)},
            limits={},
            most_jobs=0,
            runs_as="",
            memory_mb=1000,
            disk_mb=10,
            max_runtime_s=600,
            max_retries=0,
        )
        files = JobFiles({JOB: self.campaign.block.jobs[0].input_file}, self.campaign.block.network.file, True)
        text = describe(self.folder, [(JOB, "cpu")], request, launch(environment, self.folder, files))
        self.cluster = open_queue().submit(text)

    def command(self, *arguments: str) -> str:
        """Run one of HTCondor's commands on the job."""
        full = client_command(self.pool, [*arguments, f"{self.cluster}.0"])
        return subprocess.run(
            full, env=client_environment(self.pool), check=True, capture_output=True, text=True
        ).stdout

    def told(self) -> int:
        """How many events the job has finished since it was submitted, by its heartbeats; each is counted once."""
        with htcondor2.JobEventLog(str(self.folder.events_log)) as log:
            lines = [str(event.get("Info", "")) for event in log.events(stop_after=0)]
        return sum(line.startswith("sonicgrid {") for line in lines)

    def process(self) -> psutil.Process:
        """The payload, as a process of this machine."""
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or ())
            if "-m jobs.payload" in line and (str(self.campaign.root) in line or self._is_in_sandbox(process)):
                return process
        raise LookupError

    def _is_in_sandbox(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()).is_relative_to(self.pool) and str(JOB) in process.cmdline()
        except psutil.Error:
            return False

    def end(self) -> Record:
        """Wait for its end, and return the record that counts."""
        follower = BlockFollower(self.folder, [JOB])

        def is_done() -> bool:
            follower.poll()
            return follower.standings[JOB].state in (JobState.DONE, JobState.FAILED)

        until(is_done, 60)
        assert follower.standings[JOB].state is JobState.DONE
        bring_home(self.folder)
        return read_records(self.folder.records)[-1]

    def events(self) -> list[Any]:
        """What is in its output."""
        with uproot.open(self.campaign.output) as file:
            events: list[Any] = ak.to_list(file["scores"].arrays())
        return events


def a_python(folder: Path) -> Path:
    """An interpreter that runs this checkout, wherever its own packages are from."""
    path = folder / "run"
    path.write_text(f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def until(true: Callable[[], bool], timeout_s: float) -> None:
    """Wait until something is so."""
    stop_at = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < stop_at, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture
def long(condor_pool: PoolState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Long]:
    """The job; it is taken out of the queue at the end."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("CONDOR_CONFIG", "")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    pool = Path(condor_pool.folder)
    enter_pool(pool)
    campaign = a_campaign(tmp_path)
    path = write_file(tmp_path / "long.root", (an_event(number, 20 + number) for number in range(EVENTS)))
    reco = campaign.block.reco.model_copy(update={"rest_of_chain_s": EVENT_S})
    access = campaign.block.sites["here"].model_copy(update={"heartbeat_s": 0.2})
    campaign.change(checkpoint_events=2, reco=reco, sites={"here": access})
    campaign.change_job(input_file=str(path), entry_start=0, entry_stop=EVENTS)
    job = Long(campaign, pool)
    try:
        yield job
    finally:
        htcondor2.Schedd().act(htcondor2.JobAction.Remove, f"ClusterId == {job.cluster}")


def undisturbed(long: Long, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The events of the same job, run here to its end."""
    output = long.campaign.output
    block = long.campaign.block.model_copy(
        update={"checkpoint_events": 0, "reco": long.campaign.block.reco.model_copy(update={"rest_of_chain_s": 0.0})}
    )
    long.campaign.block_json.write_text(block.model_dump_json())
    monkeypatch.setenv("SONICGRID_SITE", "here")
    command = [sys.executable, "-m", "jobs.payload", str(long.campaign.block_json), str(JOB)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    output.rename(output.with_name("undisturbed"))
    long.folder.records.rename(long.campaign.root / "records of the other")
    long.campaign.change()
    with uproot.open(output.with_name("undisturbed")) as file:
        events: list[Any] = ak.to_list(file["scores"].arrays())
    return events


def kept(long: Long) -> list[str]:
    """Names of the checkpoints that workers share."""
    return sorted(path.name for path in long.folder.checkpoints.glob("*.checkpoint"))


def test_an_evicted_and_a_killed_job_go_on_with_what_was_kept(
    long: Long, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither condor_vacate_job -fast nor SIGKILL of HTCondor's starter costs more than two events."""
    expected = undisturbed(long, monkeypatch)
    long.submit(SharedPython(a_python(tmp_path)))
    until(lambda: "0000003.0-2.checkpoint" in kept(long), 60)
    long.command("condor_vacate_job", "-fast")
    until(lambda: len(kept(long)) >= 2, 60)
    starter = long.process().parent()
    assert starter is not None
    assert starter.name() == "condor_starter"
    starter.kill()
    record = long.end()
    assert long.events() == expected
    assert record.events == EVENTS
    assert record.events_resumed >= 4
    assert record.attempt >= 2
    assert record.output_sha256
    assert kept(long) == []


def test_a_job_that_shares_no_files_goes_on_too(long: Long, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTCondor saves what it leaves with status 85, which uses up no retry, and brings it to the next worker."""
    expected = undisturbed(long, monkeypatch)
    with tarfile.open(tmp_path / "worker.tar.gz", "w:gz") as tar:
        tar.add(a_python(tmp_path), "run")
    long.submit(PackedArchive(str(tmp_path / "worker.tar.gz")))
    spool = long.pool / "condor" / "spool" / str(long.cluster)
    until(lambda: any(spool.glob("0/*/returned/0000003.2-4.checkpoint")), 60)
    long.command("condor_vacate_job", "-fast")
    record = long.end()
    assert long.events() == expected
    assert (record.events, record.attempt) == (EVENTS, 1)
    assert 4 <= record.events_resumed < EVENTS
    assert list(long.folder.returned.iterdir()) == []
    ad = htcondor2.Schedd().history(f"ClusterId == {long.cluster}", ["NumJobCompletions", "NumJobStarts"], match=1)[0]
    assert (ad["NumJobCompletions"], ad["NumJobStarts"]) == (1, 2)


def test_a_job_that_is_asked_to_go_keeps_what_it_has(long: Long, tmp_path: Path) -> None:
    """SIGTERM leaves time enough: not one finished event is lost, also of those since the last checkpoint."""
    long.campaign.change(checkpoint_events=100)
    long.submit(SharedPython(a_python(tmp_path)))
    until(lambda: long.folder.events_log.exists() and long.told() >= 8, 60)
    long.command("condor_vacate_job")
    record = long.end()
    first = read_records(long.folder.records)[0]
    assert 0 < first.events_kept == record.events_resumed
