"""How far a campaign is follows from its files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.running.follow import BlockFollower
from jobs.running.outcome import judge, write_outcomes
from jobs.running.progress import CampaignFollower
from jobs.states import JobState
from tests.builders.event_log import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.builders.bench import Bench


def through(bench: Bench, number: int) -> None:
    """Judge a block as `watch` does."""
    folder = bench.folder.block(number)
    jobs = [job.job for job in bench.made.manifest.block(number)]
    follower = BlockFollower(folder, jobs)
    follower.poll()
    write_outcomes(folder.outcome, judge(folder, follower.standings))


def test_not_planned(tmp_path: Path) -> None:
    """Without a manifest there is nothing to follow, and the error says what to do."""
    with pytest.raises(CampaignError, match="plan"):
        CampaignFollower(CampaignFolder(tmp_path))


def test_before_anything_ran(begin: Callable[..., Bench]) -> None:
    """A planned campaign has all its jobs pending."""
    bench = begin()
    progress = CampaignFollower(bench.folder).look()
    assert progress.states == {JobState.PENDING: 5}
    assert (progress.jobs, progress.events, progress.events_done, progress.jobs_ended) == (5, 9, 0, 0)
    assert progress.events_per_s is None
    assert progress.eta_s is None


def test_blocks_that_run_and_blocks_that_are_through(begin: Callable[..., Bench]) -> None:
    """Counts of running blocks come from event logs, those of ended blocks from their outcomes."""
    bench = begin()
    for job in range(3):
        bench.finish(job)
    follower = CampaignFollower(bench.folder)
    log = EventLog(bench.folder.block(1).events_log)
    log.submitted(2, 0, job=3)
    log.executing(2, 0)
    log.submitted(2, 1, job=4)
    log.held(2, 1, "out of memory")
    through(bench, 0)
    progress = follower.look()
    assert progress.states == {JobState.DONE: 3, JobState.RUNNING: 1, JobState.HELD: 1}
    assert progress.events_done == 5
    assert progress.hold_reasons == {"out of memory": 1}


def test_a_reopened_block_is_followed_again(begin: Callable[..., Bench]) -> None:
    """When an outcome is taken away, the block's event log counts again."""
    bench = begin()
    log = EventLog(bench.folder.block(0).events_log)
    log.submitted(1, 0, job=0)
    log.terminated(1, 0, code=20)
    through(bench, 0)
    follower = CampaignFollower(bench.folder)
    assert follower.look().states[JobState.FAILED] == 3
    bench.folder.block(0).outcome.unlink()
    log.cluster_submitted(2)
    log.submitted(2, 0, job=0)
    states = follower.look().states
    assert states == {JobState.IDLE: 1, JobState.PENDING: 4}
