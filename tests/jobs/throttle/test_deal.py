"""Every job is dealt once, to a site that can start it; and what a site does not start, another takes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from jobs.throttle.deal import Deal, Hand, deal, take_back
from tests.builders.sites import a_cluster, a_group

if TYPE_CHECKING:
    from jobs.running.queued import ClusterInQueue

FAST, SLOW = a_group("fast"), a_group("slow")


def gpu(_job: int) -> str:
    """Every job asks the inference pool."""
    return "gpu"


def dealt(deals: list[Deal]) -> dict[str, list[int]]:
    """Jobs by the first site of their group."""
    found: dict[str, list[int]] = {}
    for one in deals:
        found.setdefault(one.group.sites[0], []).extend(one.jobs)
    return found


def test_the_negotiator_gets_blocks_whole() -> None:
    """Where every site fits and the negotiator admits, there is nothing to deal."""
    everywhere = a_group("a", "b", admission="negotiator")
    deals = deal([Hand(everywhere, (), 3)], {0: [0, 1, 2, 3, 4], 1: [], 2: [7]}, gpu)
    assert deals == [Deal(everywhere, 0, (0, 1, 2, 3, 4)), Deal(everywhere, 2, (7,))]


def test_each_site_gets_what_it_can_start_and_some_in_reserve() -> None:
    """Several sites and several blocks: nobody gets all, and nobody stays empty while there is plenty."""
    deals = deal([Hand(FAST, (), 80), Hand(SLOW, (), 2)], {0: list(range(500)), 1: list(range(500, 900))}, gpu)
    got = dealt(deals)
    assert len(got["fast"]) == 90
    assert len(got["slow"]) == 10
    assert {one.group.sites: one.most_jobs for one in deals} == {("fast",): 80, ("slow",): 2}


def test_clusters_of_several_blocks_share_the_room() -> None:
    """What is left of one block and begun of the next must not start twice the room."""
    deals = deal([Hand(FAST, (), 10), Hand(SLOW, (), 0)], {0: list(range(6)), 1: list(range(6, 100))}, gpu)
    assert [(one.block, len(one.jobs), one.most_jobs) for one in deals] == [(0, 6, 6), (1, 5, 4)]


def test_a_closed_site_gets_nothing() -> None:
    """No room, no job, not even in reserve."""
    assert set(dealt(deal([Hand(FAST, (), 5), Hand(SLOW, (), 0)], {0: list(range(500))}, gpu))) == {"fast"}


def test_a_full_site_gets_nothing_more() -> None:
    """A cluster beside a full room would start one job too many: HTCondor has no limit of 0."""
    full = Hand(SLOW, (a_cluster(1, 10, 10),), 10)
    assert deal([full, Hand(FAST, (), 0)], {0: list(range(500))}, gpu) == []


def test_what_older_clusters_may_still_start_counts() -> None:
    """A new cluster may start only what the site's older ones leave."""
    half = Hand(FAST, (a_cluster(1, 8, 3),), 10)
    (one,) = deal([half, Hand(SLOW, (), 0)], {0: list(range(500))}, gpu)
    assert one.most_jobs == 2


def test_scarce_jobs_are_not_kept_in_reserve() -> None:
    """Near the end each site gets no more than it can start at once, the neediest first."""
    deals = deal([Hand(SLOW, (), 5), Hand(FAST, (), 20)], {0: list(range(22))}, gpu)
    assert {site: len(jobs) for site, jobs in dealt(deals).items()} == {"fast": 20, "slow": 2}


def test_jobs_go_where_their_flavour_goes() -> None:
    """A job that uses no network is not dealt to clusters that the link limits, nor the other way round."""
    local = a_group("fast", flavours=frozenset({"cpu"}))
    deals = deal([Hand(FAST, (), 3), Hand(local, (), 3)], {0: list(range(6))}, lambda job: "cpu" if job % 2 else "gpu")
    assert {one.group: one.jobs for one in deals} == {FAST: (0, 2, 4), local: (1, 3, 5)}


def test_a_fast_site_takes_what_a_slow_one_has_not_started() -> None:
    """With nothing left to deal, the newest cluster that waits is taken from a site that has enough."""
    waits, runs = a_cluster(2, 9, 4), a_cluster(1, 4, 4)
    hands = [Hand(SLOW, (runs, waits), 8), Hand(FAST, (a_cluster(3, 2, 2),), 5)]
    assert take_back(hands, 0) == waits
    assert take_back(hands, 5) is None


def test_running_jobs_are_not_taken() -> None:
    """A cluster of which everything runs has nothing to give."""
    hands = [Hand(SLOW, (a_cluster(1, 8, 8),), 8), Hand(FAST, (), 5)]
    assert take_back(hands, 0) is None


def test_a_closed_site_gives_back_what_waits() -> None:
    """Also while there is plenty to deal; a cluster that gave back already is not asked again."""
    gone, waits = a_cluster(2, 9, 4, returned=True), a_cluster(1, 9, 4)
    assert take_back([Hand(SLOW, (waits, gone), 0), Hand(FAST, (), 5)], 100) == waits
    assert take_back([Hand(SLOW, (gone,), 0), Hand(FAST, (), 5)], 100) is None


def test_what_was_not_started_is_not_dealt_back() -> None:
    """A site whose waiting jobs were taken comes last, and does not call for those of the others."""
    slow = Hand(SLOW, (a_cluster(1, 10, 2),), 20, slow=True)
    assert dealt(deal([slow, Hand(FAST, (), 2)], {0: [5, 6, 7]}, gpu)) == {"fast": [5, 6], "slow": [7]}
    fast = Hand(FAST, (a_cluster(2, 3, 2, idle=1),), 2)
    idle_slow = Hand(SLOW, (), 20, slow=True)
    assert take_back([idle_slow, fast], 0) is None


@st.composite
def some_hands(draw: st.DrawFn) -> list[Hand]:
    """Up to four sites in any state, each with clusters of its own."""
    hands, number = [], 0
    for site in range(draw(st.integers(2, 4))):
        clusters: list[ClusterInQueue] = []
        for _ in range(draw(st.integers(0, 3))):
            number += 1
            jobs = draw(st.integers(1, 20))
            made = draw(st.integers(0, jobs))
            present = draw(st.integers(0, made))
            idle = draw(st.integers(0, present))
            returned = draw(st.booleans())
            clusters.append(a_cluster(number, jobs, made, present=present, idle=idle, returned=returned))
        hands.append(Hand(a_group(f"s{site}"), tuple(clusters), draw(st.integers(0, 60)), slow=draw(st.booleans())))
    return hands


@given(some_hands(), st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_every_job_is_dealt_at_most_once_and_never_beyond_the_room(hands: list[Hand], sizes: list[int]) -> None:
    """Over any state: no job twice, no job that is not there, and no more materialize than there is room for."""
    left = {block: list(range(100 * block, 100 * block + size)) for block, size in enumerate(sizes)}
    deals = deal(hands, left, gpu)
    times = Counter(job for one in deals for job in one.jobs)
    assert set(times.values()) <= {1}
    assert all(set(one.jobs) <= set(left[one.block]) for one in deals)
    for hand in hands:
        mine = [one for one in deals if one.group == hand.group]
        assert all(1 <= one.most_jobs <= len(one.jobs) for one in mine)
        assert hand.present + hand.coming + sum(one.most_jobs for one in mine) <= max(
            hand.room, hand.present + hand.coming
        )


@given(some_hands(), st.integers(0, 3))
def test_only_what_waits_is_taken_back(hands: list[Hand], n_left: int) -> None:
    """Over any state: a cluster that gave back already, or that has nothing waiting, is left alone."""
    taken = take_back(hands, n_left)
    if taken is not None:
        assert not taken.returned
        assert taken.coming or taken.idle


@given(some_hands())
def test_somebody_gets_work_while_there_is_some(hands: list[Hand]) -> None:
    """Over any state: a job that is left does not wait while a site could start it."""
    assert bool(deal(hands, {0: [1]}, gpu)) == any(hand.need for hand in hands)
