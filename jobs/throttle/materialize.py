"""Budgets by the user's own rights: how many jobs of each site's clusters are in the queue at once.

`JobMaterializeLimit` counts the jobs of one cluster, waiting or running, so that what is in the queue of all clusters
of a site is what may run there. HTCondor takes a limit of 0 for none: a cluster that is to start nothing is paused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobs.running.queued import ClusterInQueue

__all__ = ["Order", "orders"]


@dataclass(frozen=True)
class Order:
    """What to do with one cluster.

    Attributes:
        cluster: the cluster.
        limit: most jobs of it in the queue at once, at least 1.
        paused: whether it materializes nothing at all.
        give_back: whether its waiting jobs are too many: they and its rest go back, to be dealt again.

    """

    cluster: ClusterInQueue
    limit: int
    paused: bool
    give_back: bool = False

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return (
            self.give_back
            or self.paused != self.cluster.paused
            or (not self.paused and self.limit != self.cluster.limit)
        )


def orders(clusters: Iterable[ClusterInQueue], room: int) -> list[Order]:
    """Share a site's room out to its clusters, the oldest first; no running job is touched.

    What runs comes before what waits, and that before what is not in the queue yet: together the limits are never more
    than the room.

    Args:
        clusters: of one site that are in the queue.
        room: jobs of them that may be in the queue at once.

    """
    every = list(clusters)
    ordered = sorted((one for one in every if not one.returned), key=lambda cluster: cluster.cluster)
    room -= sum(cluster.present for cluster in every if cluster.returned)
    spare = room - sum(cluster.present - cluster.idle for cluster in ordered)
    too_many: set[int] = set()
    for cluster in ordered:
        if 0 < cluster.idle > spare:
            too_many.add(cluster.cluster)
        else:
            spare -= cluster.idle
    found: list[Order] = []
    for cluster in ordered:
        if cluster.cluster in too_many:
            found.append(Order(cluster, 1, paused=True, give_back=True))
            room -= cluster.present - cluster.idle
            continue
        more = max(0, min(spare, len(cluster.coming)))
        spare -= more
        limit = max(0, min(room, cluster.present + more))
        room -= cluster.present + more
        found.append(Order(cluster, max(1, limit), paused=limit == 0))
    return found
