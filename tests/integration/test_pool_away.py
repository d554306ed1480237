"""What a job does on a real HTCondor pool when no inference endpoint answers, by its campaign's choice."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import htcondor2
import pytest

from jobs.exits import EXITS, ExitClass
from jobs.layout import BlockFolder
from jobs.pool.client import enter_pool
from jobs.record import read_records
from jobs.running.describe import ClusterRequest, SiteTerms, describe
from jobs.running.follow import BlockFollower
from jobs.running.hold import PoolPauses
from jobs.running.launch import JobFiles, SharedPython, launch
from jobs.running.outcome import judge
from jobs.running.queue import open_queue
from jobs.states import JobState
from tests.builders.payload import a_campaign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.block import WhenPoolAway
    from jobs.pool.state import PoolState
    from jobs.running.follow import Standing

JOB = 3
AWAY = EXITS[ExitClass.POOL_AWAY].code


class Submitted:
    """A block of one gpu job whose site's only endpoint is a closed port, in the queue."""

    def __init__(self, root: Path, choice: WhenPoolAway, pauses: PoolPauses) -> None:
        campaign = a_campaign(root)
        network = campaign.block.network.model_copy(update={"when_pool_away": choice})
        campaign.change(network=network).change_job(flavour="gpu")
        self.folder = BlockFolder(root)
        self.folder.logs.mkdir()
        request = ClusterRequest(
            campaign="away",
            folder=root,
            digest=campaign.block.manifest_digest,
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
            pauses=pauses,
        )
        start = launch(SharedPython(Path(sys.executable)), self.folder, JobFiles())
        self.cluster = open_queue().submit(describe(self.folder, [(JOB, "gpu")], request, start))
        self.follower = BlockFollower(self.folder, [JOB])

    @property
    def standing(self) -> Standing:
        """Where the job stands now."""
        self.follower.poll()
        return self.follower.standings[JOB]

    def wait_for(self, true: Callable[[Standing], bool], timeout_s: float = 60) -> Standing:
        """Wait until the job stands so, or fail with what its log says."""
        deadline = time.monotonic() + timeout_s
        while not true(standing := self.standing):
            assert time.monotonic() < deadline, (standing, self.log)
            time.sleep(0.1)
        return standing

    @property
    def log(self) -> str:
        """What the payload wrote."""
        return "".join(path.read_text() for path in self.folder.logs.iterdir())

    def ad(self, *attributes: str) -> list[object]:
        """Some attributes of the job in the queue."""
        (ad,) = htcondor2.Schedd().query(f"ClusterId == {self.cluster}", list(attributes))
        return [ad.get(name) for name in attributes]


@pytest.fixture
def submit(
    tmp_path: Path, condor_pool: PoolState, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Submitted]]:
    """Give the call that submits the job; whatever is left of it is removed."""
    # What `enter_pool` sets must not lead later tests to this pool.
    monkeypatch.setenv("CONDOR_CONFIG", os.environ.get("CONDOR_CONFIG", ""))
    enter_pool(Path(condor_pool.folder))
    made: list[Submitted] = []

    def submit_(choice: WhenPoolAway, pauses: PoolPauses | None = None) -> Submitted:
        made.append(Submitted(tmp_path, choice, pauses or PoolPauses()))
        return made[-1]

    yield submit_
    for one in made:
        htcondor2.Schedd().act(htcondor2.JobAction.Remove, f"ClusterId == {one.cluster}")


def test_hold_says_why_starts_again_and_fails_in_the_end(submit: Callable[..., Submitted]) -> None:
    """Without a single retry the job must be held and released as often as it may, and then fail as what it is."""
    job = submit("hold", PoolPauses(first_s=1, longest_s=1, most=2))
    held = job.wait_for(lambda standing: standing.state is JobState.HELD)
    assert (
        held.reason == "pool_away: no inference endpoint answered in time; the job starts again by itself after a pause"
    )
    assert job.ad("HoldReasonCode", "HoldReasonSubCode", "NumJobCompletions") == [3, AWAY, 1]
    ended = job.wait_for(lambda standing: standing.state is JobState.FAILED)
    assert (ended.exit_code, ended.starts) == (AWAY, 3)
    records = read_records(job.folder.records)
    assert [(record.attempt, record.exit_class) for record in records] == [(n, ExitClass.POOL_AWAY) for n in range(3)]
    (outcome,) = judge(job.folder, job.follower.standings)
    assert (outcome.state, outcome.exit_class, outcome.attempts) == ("failed", "pool_away", 3)
    assert "127.0.0.1:1" in outcome.error


def test_wait_keeps_the_slot_until_it_is_taken_away(submit: Callable[..., Submitted]) -> None:
    """Long after its patience of half a second the job must still run, and end when HTCondor says so."""
    job = submit("wait")
    job.wait_for(lambda standing: standing.state is JobState.RUNNING)
    time.sleep(8)
    assert job.standing.state is JobState.RUNNING
    htcondor2.Schedd().act(htcondor2.JobAction.Remove, f"ClusterId == {job.cluster}")
    job.wait_for(lambda standing: standing.state is JobState.FAILED)
    deadline = time.monotonic() + 20
    while not (records := read_records(job.folder.records)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [record.exit_class for record in records] == [ExitClass.STOPPED], job.log


def test_cpu_finishes_without_the_pool(submit: Callable[..., Submitted]) -> None:
    """Every hit must be scored in the job, and its record say so."""
    job = submit("cpu")
    job.wait_for(lambda standing: standing.state in (JobState.DONE, JobState.FAILED, JobState.HELD))
    assert job.standing.state is JobState.DONE, job.log
    (record,) = read_records(job.folder.records)
    assert (record.exit_class, record.flavour, record.hits, record.hits_on_cpu) == (ExitClass.DONE, "gpu", 57, 57)
