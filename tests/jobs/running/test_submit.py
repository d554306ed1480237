"""A block reaches HTCondor once, with the jobs that are left, and in its turn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.block import SiteAccess, read_block
from jobs.errors import PoolError
from jobs.exits import ExitClass
from jobs.running.reopen import reopen
from jobs.running.submit import Submitter, jobs_to_run, most_jobs
from jobs.spec.campaign import load_campaign
from jobs.spec.site import Site
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.layout import CampaignFolder
    from tests.builders.bench import Bench

ACCESS = {"local": SiteAccess(endpoints=("127.0.0.1:8001",), wire_format="patches")}


def site(**fields: Any) -> Site:  # noqa: ANN401 - fields of a site
    """A site with one endpoint."""
    return Site(name="local", endpoints=("127.0.0.1:8001",), uplink="10 Gb/s", **fields)


@pytest.fixture
def queue() -> FakeQueue:
    """An empty queue."""
    return FakeQueue()


def submitter_of(bench: Bench, queue: FakeQueue, **fields: Any) -> Submitter:  # noqa: ANN401 - fields of a site
    """A submitter for a planned campaign with one site."""
    campaign = load_campaign(bench.folder.spec)
    return Submitter(bench.folder, campaign, bench.made.manifest, {"local": site(**fields)}, ACCESS, queue)


def left(bench: Bench, number: int = 0) -> list[int]:
    """The jobs of a block that would run."""
    manifest = bench.made.manifest
    return jobs_to_run(bench.folder.block(number), manifest.block(number), manifest.digest)


def test_every_job_of_a_new_block_is_submitted_once(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A block becomes one cluster; asking again finds that cluster instead of submitting another."""
    submitter = submitter_of(begin(), queue)
    assert submitter.ensure([0, 1]) == {0: 1, 1: 2}
    assert queue.items(1) == [0, 1, 2]
    assert submitter.ensure([0, 1]) == {0: 1, 1: 2}
    assert len(queue.descriptions) == 2


def test_only_what_is_left_is_submitted(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """Done jobs and failures that no retry can mend stay out of a new cluster; other failures run again."""
    bench = begin()
    bench.finish(0)
    bench.report(1, ExitClass.BAD_INPUT, error="a.root is no ROOT file")
    bench.report(2, ExitClass.POOL_AWAY, error="no endpoint")
    submitter_of(bench, queue).ensure([0])
    assert queue.items(1) == [2]


def test_a_block_that_is_through_is_not_submitted(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """Nothing is handed to HTCondor when nothing is left."""
    bench = begin()
    for job in range(3):
        bench.finish(job)
    assert submitter_of(bench, queue).ensure([0]) == {0: 0}
    assert not queue.descriptions


def test_lost_output_runs_again(begin: Callable[..., Bench]) -> None:
    """A job whose output has gone is not done, whatever its record says."""
    bench = begin()
    bench.finish(0).unlink()
    assert 0 in left(bench)


def test_records_of_another_manifest_do_not_count(begin: Callable[..., Bench]) -> None:
    """A success of an earlier plan is not taken for one of this."""
    bench = begin()
    bench.finish(0, manifest_digest="another")
    assert 0 in left(bench)


def test_site_limit_makes_blocks_take_turns(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """With a limit on jobs, a second cluster waits until the first has left the queue."""
    submitter = submitter_of(begin(), queue, most_jobs=2)
    assert submitter.ensure([0, 1]) == {0: 1, 1: None}
    assert "max_materialize = 2" in queue.descriptions[1]
    queue.waiting.clear()
    assert submitter.ensure([1]) == {1: 2}


def test_smallest_limit_keeps_every_site_safe() -> None:
    """Jobs are not tied to a site, so the smallest limit holds; sites without one add none."""
    assert most_jobs({"a": site(most_jobs=5), "b": site(most_jobs=3), "c": site()}) == 3
    assert most_jobs({"a": site()}) == 0


def test_a_schedd_that_is_away_submits_nothing(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """If the queue cannot be asked, nothing is submitted: it might be there already."""
    queue.away = True
    with pytest.raises(PoolError):
        submitter_of(begin(), queue).ensure([0])
    assert not queue.descriptions


def test_description_names_the_endpoints_of_now(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """The block's description is rewritten when the pool has moved, also for a cluster that is in the queue."""
    bench = begin()
    submitter_of(bench, queue).ensure([0])
    moved = {"local": SiteAccess(endpoints=("127.0.0.1:9001",), wire_format="patches")}
    campaign = load_campaign(bench.folder.spec)
    Submitter(bench.folder, campaign, bench.made.manifest, {"local": site()}, moved, queue).ensure([0])
    assert read_block(bench.folder.block(0).description).sites["local"].endpoints == ("127.0.0.1:9001",)
    assert len(queue.descriptions) == 1


def mark_through(folder: CampaignFolder, number: int) -> Path:
    """Leave an outcome as `watch` does."""
    outcome = folder.block(number).outcome
    outcome.parent.mkdir(parents=True, exist_ok=True)
    outcome.touch()
    return outcome


def test_reopen_takes_up_only_blocks_with_work_left(begin: Callable[..., Bench]) -> None:
    """An ended campaign goes on where a retry can help, and only there."""
    bench = begin()
    for job in range(3):
        bench.finish(job)
    bench.report(3, ExitClass.POOL_AWAY)
    bench.report(4, ExitClass.BAD_INPUT)
    through, fell_short = mark_through(bench.folder, 0), mark_through(bench.folder, 1)
    bench.folder.validation.touch()
    assert reopen(bench.folder) == 1
    assert through.exists()
    assert not fell_short.exists()
    assert not bench.folder.validation.exists()


def test_reopen_leaves_a_complete_campaign_alone(begin: Callable[..., Bench]) -> None:
    """Where nothing is left to do, nothing is touched."""
    bench = begin()
    for job in bench.jobs:
        bench.finish(job)
    outcomes = [mark_through(bench.folder, number) for number in (0, 1)]
    bench.folder.validation.touch()
    assert reopen(bench.folder) == 0
    assert all(path.exists() for path in [*outcomes, bench.folder.validation])
