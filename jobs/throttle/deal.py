"""Deals the jobs that are left to the sites, a little at a time: a fast site takes what a slow one has not started.

Where the negotiator admits jobs and every site fits one submit description there is nothing to deal: each block goes
to HTCondor whole. Otherwise each group of sites is given as many jobs as it can start now, and some in reserve; at the
end, when nothing is left to deal, a site that has room takes back what waits at another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobs.running.queued import ClusterInQueue
    from jobs.throttle.groups import Group

__all__ = ["Deal", "Hand", "deal", "take_back"]

SMALLEST = 10
"""Fewest jobs of a deal while there is plenty left: a cluster costs the schedd the work of a few jobs."""

RESERVE_PART = 8
"""A group keeps one job in reserve for so many that run, for the schedd to start while nobody looks."""


@dataclass(frozen=True)
class Hand:
    """What a group holds.

    Attributes:
        group: the sites.
        clusters: of the campaign, in the queue, that belong to it.
        room: jobs that it may have materialized at once.
        slow: whether jobs that it had not started were taken from it just now, for others to start.

    """

    group: Group
    clusters: tuple[ClusterInQueue, ...]
    room: int
    slow: bool = False

    @property
    def present(self) -> int:
        """Materialized jobs."""
        return sum(cluster.present for cluster in self.clusters)

    @property
    def coming(self) -> int:
        """Jobs in its clusters that are not materialized yet."""
        return sum(len(cluster.coming) for cluster in self.clusters)

    @property
    def idle(self) -> int:
        """Materialized jobs that wait for a slot."""
        return sum(cluster.idle for cluster in self.clusters)

    @property
    def need(self) -> int:
        """Jobs that it could start and does not have."""
        return max(0, self.room - self.present - self.coming)

    @property
    def reserve(self) -> int:
        """Jobs that it should have beside those that it may start now."""
        return max(1, self.room // RESERVE_PART) if self.room else 0


@dataclass(frozen=True)
class Deal:
    """Jobs of one block for one group.

    Attributes:
        group: the sites.
        block: number of the block.
        jobs: their numbers in the manifest.
        most_jobs: most of them that may be materialized at once; 0 for no limit.

    """

    group: Group
    block: int
    jobs: tuple[int, ...]
    most_jobs: int = 0


def deal(hands: Sequence[Hand], left: Mapping[int, Sequence[int]], flavour_of: Callable[[int], str]) -> list[Deal]:
    """Return what to submit now.

    Args:
        hands: what each group holds.
        left: by block, the jobs that have not ended and are in no cluster, in their order.
        flavour_of: flavour of a job, by its number.

    """
    if len(hands) == 1 and hands[0].group.admission == "negotiator":
        return [Deal(hands[0].group, block, tuple(jobs)) for block, jobs in left.items() if jobs]
    rest = {block: list(jobs) for block, jobs in left.items()}
    free = sum(map(len, rest.values()))
    scarce = free < sum(hand.need + hand.reserve for hand in hands)
    deals: list[Deal] = []
    for hand in sorted(hands, key=lambda hand: (hand.slow, -hand.need)):
        wanted = hand.need
        if not scarce and hand.need + hand.present + hand.coming < hand.room + hand.reserve:
            wanted = max(hand.need + hand.reserve, hand.room // 4, SMALLEST)
        limited = hand.group.admission == "materialize"
        # What older clusters may still materialize is counted in the need; a limit of 0 would be none.
        room = hand.need
        for block in rest:
            if wanted <= 0 or (limited and room <= 0):
                break
            mine = [job for job in rest[block] if flavour_of(job) in hand.group.flavours][:wanted]
            if mine:
                most = min(room, len(mine)) if limited else 0
                deals.append(Deal(hand.group, block, tuple(mine), most))
                taken = set(mine)
                rest[block] = [job for job in rest[block] if job not in taken]
                wanted -= len(mine)
                room -= most
    return deals


def take_back(hands: Sequence[Hand], n_left: int) -> ClusterInQueue | None:
    """Return the cluster whose rest another group should have; None if all is well.

    Args:
        hands: what each group holds.
        n_left: jobs that are in no cluster.

    """
    closed = (hand for hand in hands if not hand.room and hand.group.admission == "materialize")
    stuck = _newest_with_rest(closed)
    if stuck is not None or n_left:
        return stuck
    # One that did not start what it had is not given more, or two sites would hand a job to and fro for ever.
    hungry = [hand for hand in hands if hand.need and not hand.slow]
    if not hungry:
        return None
    kinds = frozenset().union(*(hand.group.flavours for hand in hungry))
    full = (hand for hand in hands if not hand.need and hand.group.flavours <= kinds and (hand.coming or hand.idle))
    return _newest_with_rest(full)


def _newest_with_rest(hands: Iterable[Hand]) -> ClusterInQueue | None:
    waiting = [
        cluster
        for hand in hands
        for cluster in hand.clusters
        if not cluster.returned and (cluster.coming or cluster.idle)
    ]
    return max(waiting, key=lambda cluster: cluster.cluster, default=None)
