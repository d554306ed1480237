"""Decisions become calls to HTCondor: no job is in two clusters, and nothing is told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.running.clusters import read_clusters
from jobs.throttle.in_force import put_in_force
from jobs.throttle.observe import LOST_DEALS

if TYPE_CHECKING:
    from tests.builders.throttle import ThrottleBench

SITE = "uplink: 100 Mb/s\ncampaign_share: 100 %\nrate_per_job: 10 Mb/s\nadmit_factor: 1.0\nramp: 6000/min\n"
MINE = SITE + "admission: materialize\n"


def in_clusters(throttle: ThrottleBench) -> list[int]:
    """Every job that is in the queue or may come up in it, once for each time."""
    coming = [job for one in throttle.queue.clusters() for job in one.coming]
    return sorted([*coming, *(job.job for job in throttle.queue.present.values())])


def test_no_job_is_dealt_twice(throttle: ThrottleBench) -> None:
    """Whatever is taken back and dealt again, over a whole campaign: a job is in one cluster at a time."""
    throttle.site("a", MINE)
    throttle.site("b", MINE)
    throttle.plan(60)
    for looks in range(60):
        throttle.looks(2, *(["a"] if looks > 5 else []))
        jobs = in_clusters(throttle)
        assert len(jobs) == len(set(jobs))


def test_jobs_that_still_run_of_a_returned_cluster_are_not_dealt(throttle: ThrottleBench) -> None:
    """Its rest goes elsewhere; what it had started goes on, and runs nowhere else."""
    throttle.site("a", MINE)
    throttle.site("b", MINE)
    throttle.plan(40)
    throttle.look()
    (of_b,) = [one.cluster for one in throttle.queue.clusters() if one.sites == ("b",)]
    throttle.queue.start("b", 1)
    running = throttle.queue.running("b")
    throttle.site("b", MINE.replace("100 %", "0 %"))
    put_in_force(throttle.bench.folder, throttle.sites_folder, ("a", "b"), "spec.yaml")
    for _ in range(20):
        throttle.looks(2, "a")
        jobs = in_clusters(throttle)
        assert len(jobs) == len(set(jobs))
        throttle.queue.end(throttle.queue.running("a"))
    assert throttle.queue.running("b") == running
    made = [one for number in (0, 1) for one in read_clusters(throttle.bench.folder.block(number))]
    assert [one.returned for one in made if one.cluster == of_b] == [True]
    elsewhere = [job for one in made if one.cluster != of_b for job in one.jobs]
    assert not set(running) & set(elsewhere)


def test_a_returned_cluster_is_dropped_once_it_is_empty(throttle: ThrottleBench) -> None:
    """It would stay in the queue for ever otherwise, since it never materializes its rest."""
    throttle.site("a", MINE)
    throttle.site("b", MINE)
    throttle.plan(40)
    throttle.look()
    throttle.queue.start("b", 1)
    throttle.site("b", MINE.replace("100 %", "0 %"))
    put_in_force(throttle.bench.folder, throttle.sites_folder, ("a", "b"), "spec.yaml")
    throttle.looks(10)
    (returned,) = [one for one in throttle.queue.clusters() if one.returned]
    assert f"drop {returned.cluster}" not in throttle.calls
    throttle.queue.end(throttle.queue.running("b"))
    throttle.looks(4)
    assert f"drop {returned.cluster}" in throttle.calls


def test_a_cluster_that_is_lost_is_made_good_a_few_times(throttle: ThrottleBench) -> None:
    """A schedd that loses cluster after cluster is not asked for ever, and what was given back is no loss."""
    throttle.site("a", SITE)
    throttle.plan(5)
    for _ in range(10):
        throttle.look()
        for one in throttle.queue.clusters():
            throttle.queue.lose(one.cluster)
    assert len(throttle.queue.descriptions) == LOST_DEALS


def test_jobs_are_told_again_only_what_changed(throttle: ThrottleBench) -> None:
    """A look that decides what the last one did costs the schedd nothing."""
    throttle.site("a", MINE)
    throttle.plan()
    throttle.looks(60, "a")
    del throttle.calls[:]
    throttle.looks(20, "a")
    assert throttle.calls == []


def test_a_restarted_keeper_tells_everything_once(throttle: ThrottleBench) -> None:
    """It does not know what was told before."""
    throttle.site("a", MINE)
    throttle.plan()
    throttle.looks(60, "a")
    throttle.restart()
    del throttle.calls[:]
    throttle.looks(20, "a")
    shares = [call for call in throttle.calls if "SonicGridShare_a" in call]
    assert len(shares) == len(set(shares)) == len(throttle.queue.clusters())


def test_sites_with_a_dash_and_environments_of_their_own(throttle: ThrottleBench) -> None:
    """Two environments make two clusters, and a site's '-' stops nothing."""
    throttle.site("CERN-T0", SITE)
    throttle.site("FNAL", SITE + "environment:\n  python: /opt/python\n")
    throttle.plan(40)
    throttle.look()
    assert {one.sites for one in throttle.queue.clusters()} == {("CERN-T0",), ("FNAL",)}
    assert "net.cern_t0" in throttle.negotiator.in_force
    assert throttle.queue.start("CERN-T0", 1)
    assert throttle.look().sites["CERN-T0"].running == 1


def test_sites_of_one_environment_share_whole_blocks(throttle: ThrottleBench) -> None:
    """Where the negotiator admits, each block is one cluster that any of the sites may run."""
    throttle.site("a", SITE)
    throttle.site("b", SITE)
    throttle.plan(50)
    throttle.look()
    assert [(one.sites, len(one.jobs)) for one in throttle.queue.clusters()] == [
        (("a", "b"), 20),
        (("a", "b"), 20),
        (("a", "b"), 10),
    ]


@pytest.mark.parametrize("admission", ["negotiator", "materialize"])
def test_cpu_jobs_take_no_network(throttle: ThrottleBench, admission: str) -> None:
    """They run beside a full link, as many as there are slots, and at a closed site too."""
    throttle.site("a", MINE.replace("100 %", "0 %").replace("admission: materialize", f"admission: {admission}"))
    throttle.plan(20, flavour="cpu")
    throttle.look()
    (cluster,) = throttle.queue.clusters()
    assert cluster.present == 20
    assert not cluster.paused
    throttle.queue.start("a", charge_mbps=0.0)
    state = throttle.look().sites["a"]
    assert (state.running, state.cpu_running) == (0, 20)
