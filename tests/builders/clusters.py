"""Clusters, groups and decisions with plain values, for the throttle's parts."""

from __future__ import annotations

from typing import Any

from jobs.running.queue import ClusterInQueue
from jobs.throttle.decide import Decision
from jobs.throttle.groups import Group
from jobs.throttle.rate import JobRate

__all__ = ["a_cluster", "a_decision", "a_group"]


def a_cluster(number: int, jobs: int, made: int = 0, *, present: int | None = None, **fields: Any) -> ClusterInQueue:  # noqa: ANN401 - of a cluster
    """A cluster of some jobs, of which the first were materialized and are all in the queue but for `present`."""
    first = 1000 * number
    return ClusterInQueue(
        number,
        0,
        "digest",
        jobs=tuple(range(first, first + jobs)),
        next_row=made,
        present=made if present is None else present,
        **fields,
    )


def a_group(*sites: str, admission: str = "materialize", flavours: frozenset[str] = frozenset({"gpu"})) -> Group:
    """Sites that one cluster may run at."""
    return Group(sites, "negotiator" if admission == "negotiator" else "materialize", flavours)


def a_decision(site: str, running: int = 0, room: int = 0, mbps: float = 10.0, **changes: Any) -> Decision:  # noqa: ANN401 - of a decision
    """A decision that admits its room."""
    return Decision(
        **{
            "site": site,
            "rate": JobRate(mbps, "measured"),
            "running": running,
            "admitted": room,
            "binds": "the link",
            "room": room,
            "planned": max(room, running),
            "share_mbps": mbps,
            "target_mbps": mbps,
            **changes,
        }
    )
