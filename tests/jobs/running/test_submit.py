"""Jobs of a block become one cluster, and only those that are left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.block import SiteAccess, read_block
from jobs.errors import PoolError
from jobs.exits import ExitClass
from jobs.running.clusters import read_clusters
from jobs.running.describe import SiteTerms
from jobs.running.reopen import reopen
from jobs.running.submit import Conditions, Submitter, jobs_to_run
from jobs.spec.campaign import load_campaign
from jobs.spec.environment import Environment
from jobs.spec.site import Site
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.layout import CampaignFolder
    from tests.builders.bench import Bench

ACCESS = {"local": SiteAccess(endpoints=("127.0.0.1:8001",), wire_format="patches")}
TERMS = {"local": SiteTerms(charge_mbps=34.0, share_mbps=27.2)}


def site(**fields: Any) -> Site:  # noqa: ANN401 - fields of a site
    """A site with one endpoint."""
    return Site(name="local", endpoints=("127.0.0.1:8001",), uplink="10 Gb/s", **fields)


@pytest.fixture
def queue() -> FakeQueue:
    """An empty queue."""
    return FakeQueue()


def submitter_of(bench: Bench, queue: FakeQueue) -> Submitter:
    """A submitter for a planned campaign."""
    return Submitter(bench.folder, load_campaign(bench.folder.spec), bench.made.manifest, queue)


def conditions(**changes: Any) -> Conditions:  # noqa: ANN401 - of conditions
    """Conditions at one site."""
    return Conditions(**{"sites": {"local": site()}, "terms": TERMS, "limits": {}, **changes})


def left(bench: Bench, number: int = 0) -> list[int]:
    """The jobs of a block that would run."""
    manifest = bench.made.manifest
    return jobs_to_run(bench.folder.block(number), manifest.block(number), manifest.digest)


def test_a_cluster_has_the_jobs_that_were_asked_for(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """These and no others, and it is written down which, before anybody asks what became of them."""
    bench = begin()
    assert submitter_of(bench, queue).submit(0, [0, 2], conditions(), ACCESS) == 1
    assert queue.items(1) == [0, 2]
    (made,) = read_clusters(bench.folder.block(0))
    assert (made.cluster, made.jobs, made.returned) == (1, (0, 2), False)
    assert bench.folder.block(0).submit.read_text() == queue.descriptions[1]


def test_conditions_reach_the_cluster(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """Limit, flavour and share are in force from the first moment, not by an edit afterwards."""
    submitter_of(begin(), queue).submit(0, [0, 1, 2], conditions(most_jobs=2, runs_as="cpu"), ACCESS)
    (cluster,) = queue.clusters()
    assert (cluster.limit, cluster.present, cluster.runs_as) == (2, 2, "cpu")
    assert queue.share_mbps(1, "local") == 27.2


def test_only_what_is_left_runs(begin: Callable[..., Bench]) -> None:
    """Done jobs and failures that no retry can mend stay out of a new cluster; other failures run again."""
    bench = begin()
    bench.finish(0)
    bench.report(1, ExitClass.BAD_INPUT, error="a.root is no ROOT file")
    bench.report(2, ExitClass.POOL_AWAY, error="no endpoint")
    assert left(bench) == [2]


def test_nothing_is_left_of_a_block_that_is_through(begin: Callable[..., Bench]) -> None:
    """Nothing that succeeded runs twice."""
    bench = begin()
    for job in range(3):
        bench.finish(job)
    assert left(bench) == []


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


def test_a_schedd_that_is_away_leaves_no_trace(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A cluster that HTCondor did not take is not written down as one."""
    bench = begin()
    queue.away = True
    with pytest.raises(PoolError):
        submitter_of(bench, queue).submit(0, [0], conditions(), ACCESS)
    assert read_clusters(bench.folder.block(0)) == []


def test_description_names_the_endpoints_of_now(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """The block's description is rewritten when the pool has moved, also for clusters that are in the queue."""
    bench = begin()
    submitter_of(bench, queue).submit(0, [0], conditions(), ACCESS)
    moved = {"local": SiteAccess(endpoints=("127.0.0.1:9001",), wire_format="patches")}
    submitter_of(bench, queue).submit(0, [1], conditions(), moved)
    assert read_block(bench.folder.block(0).description).sites["local"].endpoints == ("127.0.0.1:9001",)


@pytest.mark.parametrize(("choice", "carried"), [("hold", False), ("cpu", True)])
def test_the_network_travels_where_a_job_may_need_it(
    begin: Callable[..., Bench], queue: FakeQueue, choice: str, carried: bool
) -> None:
    """A gpu job that is to compute when the pool is away takes the ONNX file along to a worker without our files."""
    bench = begin(network={"when_pool_away": choice})
    packed = site(environment=Environment(archive="https://example.org/env.tar.gz"))
    submitter_of(bench, queue).submit(0, [0], conditions(sites={"local": packed}), ACCESS)
    assert (".onnx" in queue.descriptions[1]) == carried
    assert read_block(bench.folder.block(0).description).network.when_pool_away == choice


def test_the_environment_is_the_sites_own(begin: Callable[..., Bench], queue: FakeQueue) -> None:
    """A cluster runs with what its sites say of their workers."""
    other = site(environment=Environment(python="/opt/other/python"))
    submitter_of(begin(), queue).submit(0, [0], conditions(sites={"local": other}), ACCESS)
    assert "executable = /opt/other/python\n" in queue.descriptions[1]


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
