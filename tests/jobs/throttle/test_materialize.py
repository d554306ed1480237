"""What may be in the queue of a site's clusters together is never more than its room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.running.queued import ClusterInQueue
from jobs.throttle.materialize import Order, orders
from tests.builders.sites import a_cluster


def limits(found: list[Order]) -> dict[int, tuple[int, bool, bool]]:
    """Limit, paused, give back; by cluster."""
    return {order.cluster.cluster: (order.limit, order.paused, order.give_back) for order in found}


def test_the_oldest_gets_what_is_free() -> None:
    """A cluster that was begun is finished first, so that few are in the queue."""
    found = orders([a_cluster(2, 10), a_cluster(1, 10)], 12)
    assert limits(found) == {1: (10, False, False), 2: (2, False, False)}


def test_what_runs_comes_before_what_may_start() -> None:
    """The room of an old cluster must not be counted twice where a newer one already fills it."""
    found = orders([a_cluster(1, 20, 5), a_cluster(2, 5, 5)], 10)
    assert limits(found) == {1: (5, False, False), 2: (5, False, False)}


def test_a_limit_is_never_0() -> None:
    """HTCondor takes 0 for no limit at all: what is to start nothing is paused."""
    found = orders([a_cluster(1, 20), a_cluster(2, 20, 3)], 0)
    assert limits(found) == {1: (1, True, False), 2: (1, True, False)}


def test_idle_jobs_beyond_the_room_go_back() -> None:
    """A lowered budget lets no waiting job start, and no running one is touched."""
    found = orders([a_cluster(1, 20, 8, idle=2), a_cluster(2, 20, 4, idle=4)], 8)
    assert limits(found) == {1: (8, False, False), 2: (1, True, True)}


def test_running_jobs_beyond_the_room_stay() -> None:
    """They are not removed; the cluster only starts nothing until they have ended."""
    (order,) = orders([a_cluster(1, 20, 8)], 3)
    assert (order.limit, order.give_back) == (3, False)


def test_jobs_of_returned_clusters_count() -> None:
    """What still runs of a cluster that was given back fills the link as before."""
    found = orders([a_cluster(1, 20, 6, returned=True), a_cluster(2, 20)], 8)
    assert limits(found) == {2: (2, False, False)}


def test_nothing_is_said_twice() -> None:
    """A cluster that is as it should be costs the schedd no call."""
    done, paused = a_cluster(1, 20, 8, limit=8), a_cluster(2, 20, limit=5, paused=True)
    assert [order.changes for order in orders([done, paused], 8)] == [False, False]


@st.composite
def some_clusters(draw: st.DrawFn) -> list[ClusterInQueue]:
    """Clusters in any state that a queue can have."""
    found = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        jobs = draw(st.integers(1, 30))
        made = draw(st.integers(0, jobs))
        present = draw(st.integers(0, made))
        idle = draw(st.integers(0, present))
        found.append(a_cluster(number, jobs, made, present=present, idle=idle, returned=draw(st.booleans())))
    return found


@given(some_clusters(), st.integers(0, 60))
def test_together_they_never_exceed_the_room(clusters: list[ClusterInQueue], room: int) -> None:
    """Whatever materializes until the next look, there are no more than the room, or than what already runs."""
    after = sum(cluster.present for cluster in clusters if cluster.returned)
    for order in orders(clusters, room):
        cluster = order.cluster
        assert order.limit >= 1
        running = cluster.present - cluster.idle
        if order.give_back:
            assert cluster.idle
            after += running
        elif order.paused:
            after += cluster.present
        else:
            after += max(cluster.present, min(order.limit, cluster.present + len(cluster.coming)))
    assert after <= max(room, sum(cluster.present for cluster in clusters))
    running_now = sum(cluster.present - cluster.idle for cluster in clusters)
    in_returned = sum(cluster.idle for cluster in clusters if cluster.returned)
    assert after <= max(room, running_now + in_returned)


@given(some_clusters(), st.integers(0, 60))
def test_room_is_used(clusters: list[ClusterInQueue], room: int) -> None:
    """Where there are jobs to come, the room is filled to the last job."""
    found = orders(clusters, room)
    if any(order.give_back for order in found):
        return
    most = sum(max(order.cluster.present, order.limit) for order in found if not order.paused)
    paused = sum(order.cluster.present for order in found if order.paused)
    returned = sum(cluster.present for cluster in clusters if cluster.returned)
    have = sum(cluster.present + len(cluster.coming) for cluster in clusters)
    assert most + paused + returned >= min(room, have)


def test_waiting_jobs_do_not_start_beside_a_full_link() -> None:
    """What runs in a newer cluster counts before what waits in an older one."""
    found = orders([a_cluster(1, 8, 8, idle=3), a_cluster(2, 10, 10)], 14)
    assert limits(found) == {1: (1, True, True), 2: (9, False, False)}
