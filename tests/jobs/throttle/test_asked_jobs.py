"""The throttle hands over what people want again, once, and never what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.exits import ExitClass
from jobs.running.act_on import HOLDABLE, hold_jobs, release_jobs, retry_jobs
from jobs.running.job_now import jobs_now
from jobs.running.select import Selection, select
from jobs.states import JobState
from tests.builders.throttle import TEN

if TYPE_CHECKING:
    from jobs.running.job_now import JobNow
    from tests.builders.throttle import ThrottleBench


@pytest.fixture
def ten(throttle: ThrottleBench) -> ThrottleBench:
    """Forty jobs in two blocks over one site with ten slots' worth of link, ten of them at work."""
    throttle.site("a", TEN + "admission: negotiator\n")
    throttle.plan()
    throttle.looks(30, "a")
    return throttle


def fail(throttle: ThrottleBench, job: int, exit_class: ExitClass, code: int) -> None:
    """End a job that runs, with its record and its events."""
    (mine,) = [one for one in throttle.queue.present.values() if one.job == job]
    log = throttle.log()
    log.submitted(mine.cluster, mine.proc, job)
    log.executing(mine.cluster, mine.proc)
    throttle.bench.report(job, exit_class, cluster=mine.cluster, error=f"{exit_class} it is")
    log.terminated(mine.cluster, mine.proc, code)
    throttle.queue.end([job])


def meant(throttle: ThrottleBench, *jobs: int) -> list[JobNow]:
    """Some jobs, as a selection finds them."""
    return select(jobs_now(throttle.bench.folder), Selection(jobs=frozenset(jobs)), [*HOLDABLE, JobState.FAILED])


def times_in_queue(throttle: ThrottleBench, job: int) -> int:
    """In how many clusters a job was submitted."""
    return sum(job in throttle.queue.items(cluster) for cluster in throttle.queue.descriptions)


@pytest.mark.parametrize("exit_class", [ExitClass.BAD_INPUT, ExitClass.WORKER])
def test_a_failed_job_runs_again_while_its_cluster_goes_on(ten: ThrottleBench, exit_class: ExitClass) -> None:
    """Whether a retry mends its class or not: handed over once more within a look or two, and not again after that."""
    fail(ten, 3, exit_class, 10)
    ten.looks(10)
    assert times_in_queue(ten, 3) == 1
    retry_jobs(ten.bench.folder, meant(ten, 3))
    ten.looks(10)
    ten.restart()
    ten.looks(10)
    assert times_in_queue(ten, 3) == 2
    assert [one.job for one in ten.queue.present.values()].count(3) == 1


def test_a_retry_that_fails_again_is_answered(ten: ThrottleBench) -> None:
    """It is not run for a third time before a person asks for a third time."""
    fail(ten, 3, ExitClass.MODEL_MISSING, 27)
    retry_jobs(ten.bench.folder, meant(ten, 3))
    ten.looks(10, "a")
    fail(ten, 3, ExitClass.MODEL_MISSING, 27)
    ten.looks(20, "a")
    ten.restart()
    ten.looks(20, "a")
    assert times_in_queue(ten, 3) == 2
    retry_jobs(ten.bench.folder, meant(ten, 3))
    ten.looks(10)
    assert times_in_queue(ten, 3) == 3


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_what_a_person_holds_neither_runs_nor_comes_up(throttle: ThrottleBench, admission: str) -> None:
    """One that runs, one that waits and one that is not made yet; all others run, and in the end so do these."""
    throttle.site("a", TEN + f"admission: {admission}\n")
    throttle.plan()
    throttle.looks(30, "a")
    running = throttle.queue.running("a")[0]
    held = {running, 15, 39}
    hold_jobs(throttle.bench.folder, throttle.queue, meant(throttle, *held), "downtime")
    ran: set[int] = set()
    for _ in range(60):
        throttle.looks(4, "a")
        ran.update(throttle.queue.running("a"))
        assert not held & set(throttle.queue.running("a"))
        for job in throttle.queue.running("a"):
            fail(throttle, job, ExitClass.DONE, 0) if job < 20 else throttle.queue.end([job])
    assert ran >= set(range(20)) - held
    assert all("downtime" in reason for reason in throttle.queue.held.values())
    release_jobs(throttle.bench.folder, throttle.queue, meant(throttle, *held))
    for _ in range(20):
        throttle.looks(4, "a")
        ran.update(throttle.queue.running("a"))
    assert ran >= held
