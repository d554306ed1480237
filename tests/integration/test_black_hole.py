"""A real pool with a worker that fails whatever it gets; and people who hold, release and retry jobs of it."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.pool.client import enter_pool
from jobs.running.act_on import HOLDABLE, hold_jobs, release_jobs
from jobs.running.event_text import read_events
from jobs.running.job_now import jobs_now
from jobs.running.queue import open_queue
from jobs.running.select import Selection, select
from jobs.states import JobState
from jobs.throttle.keeper import Keeper
from tests.builders import bench
from tests.builders.second_host import black_hole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.pool.htcondor import HTCondor
    from jobs.pool.state import PoolState
    from jobs.running.standing import LogEvent
    from tests.builders.bench import Bench

JOBS, HELD, RETRIES = 40, 39, 3
EXECUTE = 1


@pytest.fixture
def hole(tmp_path: Path, condor: HTCondor, condor_pool: PoolState, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Join a second host to the pool and give the name of its machine."""
    monkeypatch.setenv("CONDOR_CONFIG", os.environ.get("CONDOR_CONFIG", ""))
    enter_pool(Path(condor_pool.folder))
    with black_hole(Path(condor_pool.folder), condor_pool.port, condor, tmp_path / "hole", slots=2) as machine:
        yield machine


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Bench]:
    """Forty jobs that end well within a second or two, over one site with eight good slots and two bad ones."""
    python = tmp_path / "python.sh"
    python.write_text("#!/bin/sh\nsleep 1\n")
    python.chmod(0o755)
    jobs = {"events_per_job": 1, "jobs_per_block": JOBS, "max_retries": RETRIES}
    made = bench.begin(tmp_path, (JOBS,), jobs=jobs)
    (tmp_path / "sites" / "local.yaml").write_text(
        "endpoints: triton.example.org:8001\nuplink: 10 Gb/s\nrate_per_job: 10 Mb/s\nramp: 6000/min\n"
        f'slots: \'GLIDEIN_Site == "FNAL" || GLIDEIN_Site == "HOLE"\'\nenvironment: {{python: {python}}}\n'
    )
    yield made
    open_queue().remove(made.folder, "the test is over")


def events(made: Bench) -> list[LogEvent]:
    """All that happened so far."""
    return [event for event in read_events(made.folder.block(0).events_log.read_bytes()) if event is not None]


def look_until(keeper: Keeper, true: Callable[[], bool], made: Bench, timeout_s: float = 45) -> None:
    """Keep the throttle until something is so."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, made.folder.block(0).events_log.read_text()[-3000:]
        keeper.look()
        time.sleep(0.5)


def states(made: Bench) -> Counter[JobState]:
    """How many jobs stand where."""
    return Counter(job.state for job in jobs_now(made.folder))


def test_a_black_hole_costs_no_job_its_retries(hole: str, campaign: Bench, tmp_path: Path) -> None:
    """It is set aside while jobs are in the queue, none starts there any more, and all jobs end well elsewhere.

    One job is held meanwhile: it does not start before it is released.
    """
    keeper = Keeper(campaign.folder, tmp_path / "sites")
    keeper.look()
    last = select(jobs_now(campaign.folder), Selection(jobs=frozenset({HELD})), HOLDABLE)
    hold_jobs(campaign.folder, open_queue(), last, "not this one")
    look_until(keeper, lambda: [one.name for one in keeper.look().aside] == [hole], campaign)
    time.sleep(3)
    known_at = time.time()
    look_until(keeper, lambda: states(campaign)[JobState.DONE] == JOBS - 1, campaign)
    assert states(campaign)[JobState.HELD] == 1
    release_jobs(campaign.folder, open_queue(), select(jobs_now(campaign.folder), Selection(), [JobState.HELD]))
    look_until(keeper, lambda: states(campaign)[JobState.DONE] == JOBS, campaign)
    starts = [event for event in events(campaign) if event.type == EXECUTE]
    there = [event for event in starts if event.slot.endswith(f"@{hole}")]
    assert there, "the hole got no job at all"
    assert not [event for event in there if event.at > known_at]
    assert max(Counter((event.cluster, event.proc) for event in there).values()) == 1, "a job went back to the hole"
