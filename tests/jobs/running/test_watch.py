"""A watched block ends with one outcome per job, whatever HTCondor does with its cluster."""

from __future__ import annotations

import fcntl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from jobs.block import SiteAccess
from jobs.errors import CampaignError
from jobs.exits import EXITS, ExitClass
from jobs.running import watch
from jobs.running.describe import SiteTerms
from jobs.running.outcome import read_outcomes
from jobs.running.reopen import reopen
from jobs.running.submit import Conditions, Submitter
from jobs.running.watch import watch_block
from jobs.spec.campaign import load_campaign
from jobs.spec.site import Site
from jobs.throttle import keep
from jobs.throttle.keep import Shift
from jobs.throttle.observe import LOST_DEALS
from tests.builders.event_log import EventLog
from tests.builders.negotiator import FakeNegotiator
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.builders.bench import Bench


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    """The queue that the throttle finds, on a pool whose negotiator takes limits; everybody looks often."""
    queue = FakeQueue()
    monkeypatch.setattr("jobs.throttle.keeper.open_queue", lambda: queue)
    monkeypatch.setattr("jobs.throttle.keeper.open_negotiator", FakeNegotiator)
    monkeypatch.setattr(keep, "LOOK_S", 0.02)
    monkeypatch.setattr(keep, "WORK_PART", 1.0)
    monkeypatch.setattr(watch, "QUEUE_CHECK_S", 0.1)
    return queue


class Pool:
    """Plays HTCondor: runs each cluster that is submitted as the test says, in its own thread."""

    def __init__(self, bench: Bench, queue: FakeQueue, run: Callable[[Pool, int], None]) -> None:
        self.bench = bench
        self.queue = queue
        self.log = EventLog(bench.folder.block(0).events_log)
        self.said: list[str] = []
        self._run = run
        self._ran = len(queue.descriptions)
        self._stop = threading.Event()

    def watch(self) -> int:
        """Watch block 0 while the pool runs; returns the number of failed jobs."""
        sites = self.bench.folder.root.parents[1] / "sites"
        with self.running(), Shift(self.bench.folder, sites).on() as shift:
            return watch_block(self.bench.folder, 0, self.queue, shift, self.said.append, poll_s=0.01)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run meanwhile."""
        runner = threading.Thread(target=self._serve)
        runner.start()
        try:
            yield
        finally:
            self._stop.set()
            runner.join()

    def _serve(self) -> None:
        while not self._stop.is_set():
            if len(self.queue.descriptions) > self._ran:
                self._ran += 1
                if "SonicGridBlock = 0" in self.queue.descriptions[self._ran]:
                    self._run(self, self._ran)
            time.sleep(0.005)

    def clusters(self) -> list[list[int]]:
        """The jobs of each cluster that block 0 had."""
        of_block = (one for one, text in self.queue.descriptions.items() if "SonicGridBlock = 0" in text)
        return [self.queue.items(cluster) for cluster in of_block]

    def end(self, cluster: int, *, complete: bool = True) -> None:
        """Take the cluster out of the queue."""
        self.log.cluster_removed(cluster, jobs=len(self.queue.items(cluster)), complete=complete)
        self.queue.lose(cluster)

    def run_jobs(self, cluster: int, codes: dict[int, int]) -> None:
        """Run the jobs of a cluster to the given exit statuses, with records as the payload leaves them."""
        self.log.cluster_submitted(cluster)
        for proc, job in enumerate(self.queue.items(cluster)):
            self.log.submitted(cluster, proc, job)
            self.log.executing(cluster, proc)
            code = codes.get(job, 0)
            if code == 0:
                self.bench.finish(job, cluster=cluster)
            self.log.terminated(cluster, proc, code)


def test_block_to_its_end(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """All jobs done: one row each, and the block's outcome is there."""

    def run(pool: Pool, cluster: int) -> None:
        pool.run_jobs(cluster, {})
        pool.end(cluster)

    bench = begin()
    assert Pool(bench, queue, run).watch() == 0
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert [(row.job, row.state) for row in rows] == [(0, "done"), (1, "done"), (2, "done")]


def test_failures_do_not_stop_the_block(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A job that fails for good has its row and its class; the others are done."""

    def run(pool: Pool, cluster: int) -> None:
        pool.bench.report(1, ExitClass.BAD_INPUT, error="entry 3: NaN")
        pool.run_jobs(cluster, {1: 10})
        pool.end(cluster)

    bench = begin()
    assert Pool(bench, queue, run).watch() == 1
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert [row.exit_class for row in rows] == ["done", "bad_input", "done"]
    assert rows[1].error == "entry 3: NaN"


def test_lost_jobs_are_submitted_again(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """When a cluster leaves the queue as complete but with jobs unaccounted for, only those are submitted again."""

    def run(pool: Pool, cluster: int) -> None:
        if cluster == 1:
            pool.log.cluster_submitted(cluster)
            pool.log.submitted(cluster, 0, job=0)
            pool.bench.finish(0)
            pool.log.terminated(cluster, 0, code=0)
        else:
            pool.run_jobs(cluster, {})
        pool.end(cluster)

    bench = begin()
    pool = Pool(bench, queue, run)
    assert pool.watch() == 0
    assert pool.clusters() == [[0, 1, 2], [1, 2]]


def test_a_job_whose_end_was_not_logged_does_not_run_again(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A full disk took the last line of a log: the record and the output say that the job is done, and that counts."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.cluster_submitted(cluster)
        for proc, job in enumerate(pool.queue.items(cluster)):
            pool.log.submitted(cluster, proc, job)
            pool.bench.finish(job, cluster=cluster)
            if job != 1:
                pool.log.terminated(cluster, proc, 0)
        pool.end(cluster)

    bench = begin()
    pool = Pool(bench, queue, run)
    assert pool.watch() == 0
    assert pool.clusters() == [[0, 1, 2]]


def test_a_watcher_of_an_earlier_round_steps_back(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """Snakemake was killed and the campaign submitted again: who was left behind must not judge the new round."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.cluster_submitted(cluster)
        pool.bench.folder.round.touch()

    bench = begin()
    with pytest.raises(CampaignError, match="submitted again"):
        Pool(bench, queue, run).watch()
    assert not bench.folder.block(0).outcome.exists()


def test_removed_cluster_is_not_submitted_again(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """Somebody removed the cluster: its jobs have failed with that reason, and nobody is overruled."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.cluster_submitted(cluster)
        pool.log.submitted(cluster, 0, job=0)
        pool.log.aborted(cluster, 0, "via condor_rm (by user sonicgrid)")
        pool.end(cluster, complete=False)

    bench = begin()
    pool = Pool(bench, queue, run)
    assert pool.watch() == 3
    assert pool.clusters() == [[0, 1, 2]]
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert {row.exit_class for row in rows} == {"removed"}
    assert "condor_rm" in rows[0].error


def test_a_schedd_that_restarts_is_waited_for(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A schedd that does not answer for a moment stops nothing: the block is handed over once it is back."""

    def run(pool: Pool, cluster: int) -> None:
        pool.run_jobs(cluster, {})
        pool.end(cluster)

    bench = begin()
    pool = Pool(bench, queue, run)
    pool.queue.away = True
    back = threading.Timer(0.5, lambda: setattr(pool.queue, "away", False))
    back.start()
    assert pool.watch() == 0
    back.join()
    assert any(line == "waiting: no schedd answers" for line in pool.said)


def test_a_pool_that_loses_everything_is_given_up(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A pool that swallows cluster after cluster is tried a few times, and not for ever."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.cluster_submitted(cluster)
        pool.end(cluster)

    bench = begin()
    pool = Pool(bench, queue, run)
    assert pool.watch() == 3
    assert pool.clusters() == [[0, 1, 2]] * LOST_DEALS
    assert any("lost 3 jobs again and again" in line for line in pool.said)
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert {row.exit_class for row in rows} == {"lost"}
    assert "HTCondor lost it" in rows[0].error


def test_who_watches_beside_a_throttle_hands_nothing_over(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """One process at a time decides: while another holds the throttle, the watcher only follows."""
    bench = begin()

    def run(pool: Pool, cluster: int) -> None:
        pool.run_jobs(cluster, {})
        pool.end(cluster)

    pool = Pool(bench, queue, run)
    with bench.folder.throttle_lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        submit = threading.Timer(0.3, lambda: hand_over(bench, queue))
        submit.start()
        assert pool.watch() == 0
        submit.join()
    assert pool.clusters() == [[0, 1, 2]]
    assert not bench.folder.throttle.exists()


def hand_over(bench: Bench, queue: FakeQueue) -> None:
    """Submit block 0 as the throttle of another process does."""
    site = Site(name="local", endpoints=("127.0.0.1:8001",), uplink="10 Gb/s")
    access = {"local": SiteAccess(endpoints=("127.0.0.1:8001",), wire_format="patches")}
    campaign = load_campaign(bench.folder.spec)
    submitter = Submitter(bench.folder, campaign, bench.made.manifest, queue)
    submitter.submit(0, [0, 1, 2], Conditions({"local": site}, {"local": SiteTerms(1.0, 1.0)}, {}), access)


def test_a_failed_job_runs_again_in_a_new_round(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """What failed in a way that a retry can mend waits for a new submit, and that takes it up once."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.at = time.time()
        if cluster == 1:
            pool.bench.report(1, ExitClass.POOL_AWAY, error="no endpoint")
        pool.run_jobs(cluster, {1: EXITS[ExitClass.POOL_AWAY].code} if cluster == 1 else {})
        pool.end(cluster)

    bench = begin(entries=(5,))
    pool = Pool(bench, queue, run)
    assert pool.watch() == 1
    assert pool.clusters() == [[0, 1, 2]]
    # The event log counts in seconds: one lies between the failure and the new round, and one before its first end.
    time.sleep(1.1)
    assert reopen(bench.folder) == 1
    time.sleep(1.1)
    assert Pool(bench, queue, run).watch() == 0
    assert pool.clusters() == [[0, 1, 2], [1]]
