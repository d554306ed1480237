"""A watched block ends with one outcome per job, whatever HTCondor does with its cluster."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from jobs.block import SiteAccess
from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.running.outcome import read_outcomes
from jobs.running.submit import Submitter
from jobs.running.watch import watch_block
from jobs.spec.campaign import load_campaign
from jobs.spec.site import Site
from tests.builders.event_log import EventLog
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.bench import Bench


class Pool:
    """Plays HTCondor: runs each cluster that is submitted as the test says, in its own thread."""

    def __init__(self, bench: Bench, run: Callable[[Pool, int], None]) -> None:
        self.bench = bench
        self.queue = FakeQueue()
        self.log = EventLog(bench.folder.block(0).events_log)
        self.said: list[str] = []
        self._run = run
        self._ran = 0
        self._stop = threading.Event()

    def watch(self) -> int:
        """Watch block 0 while the pool runs; returns the number of failed jobs."""
        campaign = load_campaign(self.bench.folder.spec)
        sites = {"local": Site(name="local", endpoints=("127.0.0.1:8001",), uplink="10 Gb/s")}
        access = {"local": SiteAccess(endpoints=("127.0.0.1:8001",), wire_format="patches")}
        submitter = Submitter(self.bench.folder, campaign, self.bench.made.manifest, sites, access, self.queue)
        runner = threading.Thread(target=self._serve)
        runner.start()
        try:
            return watch_block(self.bench.folder, 0, submitter, self.said.append, poll_s=0.01)
        finally:
            self._stop.set()
            runner.join()

    def _serve(self) -> None:
        while not self._stop.is_set():
            if len(self.queue.descriptions) > self._ran:
                self._ran += 1
                self._run(self, self._ran)
            time.sleep(0.005)

    def end(self, cluster: int, *, complete: bool = True) -> None:
        """Take the cluster out of the queue."""
        del self.queue.waiting[cluster]
        self.log.cluster_removed(cluster, jobs=len(self.queue.items(cluster)), complete=complete)

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


def test_block_to_its_end(begin: Callable[..., Bench]) -> None:
    """All jobs done: one row each, and the block's outcome is there."""

    def run(pool: Pool, cluster: int) -> None:
        pool.run_jobs(cluster, {})
        pool.end(cluster)

    bench = begin()
    assert Pool(bench, run).watch() == 0
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert [(row.job, row.state) for row in rows] == [(0, "done"), (1, "done"), (2, "done")]


def test_failures_do_not_stop_the_block(begin: Callable[..., Bench]) -> None:
    """A job that fails for good has its row and its class; the others are done."""

    def run(pool: Pool, cluster: int) -> None:
        pool.bench.report(1, ExitClass.BAD_INPUT, error="entry 3: NaN")
        pool.run_jobs(cluster, {1: 10})
        pool.end(cluster)

    bench = begin()
    assert Pool(bench, run).watch() == 1
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert [row.exit_class for row in rows] == ["done", "bad_input", "done"]
    assert rows[1].error == "entry 3: NaN"


def test_lost_jobs_are_submitted_again(begin: Callable[..., Bench]) -> None:
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
    pool = Pool(bench, run)
    assert pool.watch() == 0
    assert pool.queue.items(2) == [1, 2]


def test_removed_cluster_is_not_submitted_again(begin: Callable[..., Bench]) -> None:
    """Somebody removed the cluster: its jobs have failed with that reason, and nobody is overruled."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.cluster_submitted(cluster)
        pool.log.submitted(cluster, 0, job=0)
        pool.log.aborted(cluster, 0, "via condor_rm (by user sonicgrid)")
        pool.end(cluster, complete=False)

    bench = begin()
    pool = Pool(bench, run)
    assert pool.watch() == 3
    assert len(pool.queue.descriptions) == 1
    rows = read_outcomes(bench.folder.block(0).outcome)
    assert {row.exit_class for row in rows} == {"removed"}
    assert "condor_rm" in rows[0].error


def test_a_schedd_that_restarts_is_waited_for(begin: Callable[..., Bench]) -> None:
    """A schedd that does not answer for a moment stops nothing: the block is handed over once it is back."""

    def run(pool: Pool, cluster: int) -> None:
        pool.run_jobs(cluster, {})
        pool.end(cluster)

    bench = begin()
    pool = Pool(bench, run)
    pool.queue.away = True
    back = threading.Timer(0.5, lambda: setattr(pool.queue, "away", False))
    back.start()
    assert pool.watch() == 0
    back.join()
    assert any(line.startswith("waiting: no schedd answers") for line in pool.said)


def test_a_pool_that_loses_everything_is_given_up(begin: Callable[..., Bench]) -> None:
    """A pool that swallows cluster after cluster ends in an error that names the log, not in a loop."""

    def run(pool: Pool, cluster: int) -> None:
        pool.log.cluster_submitted(cluster)
        pool.end(cluster)

    with pytest.raises(CampaignError, match=r"events\.log"):
        Pool(begin(), run).watch()
