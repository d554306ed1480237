"""Sites and what they share, clusters and decisions with plain values, for the throttle's parts."""

from __future__ import annotations

from typing import Any

from jobs.running.queued import ClusterInQueue
from jobs.spec.links import Links
from jobs.spec.site import Site
from jobs.throttle.decide import Decision
from jobs.throttle.groups import Group
from jobs.throttle.rate import JobRate

__all__ = ["a_cluster", "a_decision", "a_group", "a_site", "shared"]


def a_site(name: str = "FNAL", uplink: str = "10 Gb/s", **keys: Any) -> Site:  # noqa: ANN401 - any key of a site
    """Return a site; keys as they are written in a config."""
    return Site.model_validate({"name": name, "endpoints": "triton.example.org:8001", "uplink": uplink, **keys})


def shared(links: dict[str, str] | None = None, pools: dict[str, int] | None = None) -> Links:
    """Return shared links with these rates, whole budgets, and GPU pools with so many jobs each."""
    return Links.model_validate(
        {
            "shared_links": {name: {"rate": rate, "campaign_share": "100 %"} for name, rate in (links or {}).items()},
            "gpu_pools": {name: {"gpus": 1, "jobs_per_gpu": jobs} for name, jobs in (pools or {}).items()},
        }
    )


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
