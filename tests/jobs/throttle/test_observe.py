"""What jobs say counts once, where it belongs, and less as it grows old."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from jobs.exits import ExitClass
from jobs.running.outcome import write_outcomes
from jobs.throttle.observe import Observer, round_began
from jobs.throttle.tally import MEMORY_S, Tally
from tests.builders.event_log import EventLog
from tests.jobs.throttle.test_keeper_remembers import beat

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.bench import Bench


def observe(bench: Bench, **known: object) -> Observer:
    """An observer that has looked once."""
    observer = Observer(bench.folder, bench.made.manifest, {}, **known)  # type: ignore[arg-type]  # of a test
    observer.look()
    return observer


def log_of(bench: Bench, block: int = 0, at: float | None = None) -> EventLog:
    """The event log of a block, from now on."""
    return EventLog(bench.folder.block(block).events_log, at=time.time() if at is None else at)


def test_heartbeats_count_by_site(begin: Callable[..., Bench]) -> None:
    """Each once, for the site where the job runs; cpu jobs tell how fast a core is."""
    bench = begin()
    log = log_of(bench)
    for proc, site in enumerate(("a", "b", "a")):
        log.submitted(1, proc, proc)
        log.told(1, proc, beat(proc, site=site).encode())
    log.told(1, 0, beat(0, flavour="cpu", hits=90_000, inference_s=30.0).encode())
    observer = observe(bench)
    observer.look()
    assert observer.tallies["a"].window_s == pytest.approx(120.0, rel=0.02)
    assert observer.tallies["b"].window_s == pytest.approx(60.0, rel=0.02)
    assert observer.core_patches_per_s == 3000.0


def test_what_is_known_already_is_not_counted_again(begin: Callable[..., Bench]) -> None:
    """A throttle that starts again reads the logs from their beginning, and its state holds the old part."""
    bench = begin()
    log = log_of(bench, at=time.time() - 100)
    log.submitted(1, 0, 0)
    log.told(1, 0, beat(0).encode())
    observer = Observer(bench.folder, bench.made.manifest, {"a": Tally(window_s=7.0)}, since=time.time() - 50)
    observer.look()
    assert observer.tallies["a"].window_s == pytest.approx(7.0, rel=0.1)


def test_old_reports_fade(begin: Callable[..., Bench]) -> None:
    """A report counts 1/e after the memory's time, and nothing after three."""
    bench = begin()
    log = log_of(bench, at=time.time() - MEMORY_S)
    log.submitted(1, 0, 0)
    log.told(1, 0, beat(0).encode())
    log.at -= 3 * MEMORY_S
    log.told(1, 0, beat(0, site="b").encode())
    observer = observe(bench)
    assert observer.tallies["a"].window_s == pytest.approx(60.0 / 2.718, rel=0.02)
    assert "b" not in observer.tallies


def test_records_speak_for_jobs_without_heartbeats(begin: Callable[..., Bench]) -> None:
    """And only for those: a job that told already is not counted twice."""
    bench = begin()
    log = log_of(bench)
    for job in (0, 1):
        log.submitted(1, job, job)
        bench.finish(job, site="a", bytes_sent=10**7)
        if job == 1:
            log.told(1, job, beat(job).encode())
        log.terminated(1, job, 0)
    observer = observe(bench)
    assert observer.tallies["a"].window_s == pytest.approx(60.0 + 10.0, rel=0.02)


def test_jobs_that_have_not_ended(begin: Callable[..., Bench]) -> None:
    """What succeeded or failed for good is not among them; what another plan did does not count."""
    bench = begin()
    bench.finish(0)
    bench.report(1, ExitClass.BAD_INPUT)
    bench.finish(3, manifest_digest="another plan")
    observer = observe(bench)
    assert {block: observer.unfinished(block) for block in (0, 1)} == {0: [2], 1: [3, 4]}
    assert observer.blocks == [0, 1]


def test_a_failed_job_waits_for_a_new_round(begin: Callable[..., Bench]) -> None:
    """It has ended until the campaign is submitted again, and then it has not."""
    bench = begin()
    assert round_began(bench.folder) == 0.0
    log = log_of(bench)
    log.submitted(1, 0, 0)
    bench.report(0, ExitClass.POOL_AWAY)
    log.terminated(1, 0, 20)
    bench.folder.round.touch()
    os.utime(bench.folder.round, (log.at - 10, log.at - 10))
    assert observe(bench).unfinished(0) == [1, 2]
    os.utime(bench.folder.round, (log.at + 10, log.at + 10))
    assert observe(bench).unfinished(0) == [0, 1, 2]


def test_blocks_that_are_through_are_not_followed(begin: Callable[..., Bench]) -> None:
    """Their outcome says so."""
    bench = begin()
    path = bench.folder.block(0).outcome
    path.parent.mkdir(parents=True, exist_ok=True)
    write_outcomes(path, [])
    observer = observe(bench)
    assert observer.blocks == [1]
    assert observer.unfinished(0) == []
