"""The simulated grid: ten sites, what they share, and what changes while the campaign runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jobs.spec.links import GpuPool, Links, SharedLink
from jobs.spec.site_keys import Site
from measure.sim.gpu import EVENT_PATCHES
from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD

__all__ = ["EVENT_MB", "PREPARE_S", "Change", "Farm", "Grid", "paper_grid", "small_grid"]

EVENT_MB = EVENT_PATCHES * PATCH_BYTES * WIRE_OVERHEAD / 1e6
"""MB on the wire for a mean event."""

PREPARE_S = 330.0 * (1 - 0.65)
"""Seconds of an event without the network on the paper's CPU: (1 - p) t_cpu of nuSONIC plot-1c.py."""


@dataclass(frozen=True)
class Farm:
    """The slots of a site.

    Attributes:
        slots: how many.
        speed: of its CPUs, the paper's is 1.

    """

    slots: int
    speed: float

    @property
    def mbps(self) -> float:
        """Mb/s on the wire that a job takes here by itself: it prepares one event while it sends another."""
        return EVENT_MB * 8 / (PREPARE_S / self.speed)


@dataclass(frozen=True)
class Change:
    """Something that happens while the campaign runs.

    Attributes:
        at: part of the simulated time, 0 to 1.
        site: where.
        what: `speed`: jobs that start an event from now on prepare it so many times faster; `size`: events are so
            many times larger; `budget`: the site's administrator changes its budget to so much of the first one.
        factor: the number.

    """

    at: float
    site: str
    what: Literal["speed", "size", "budget"]
    factor: float


@dataclass(frozen=True)
class Grid:
    """Sites by name with their configs and slots, what they share, and what changes."""

    sites: dict[str, Site]
    farms: dict[str, Farm]
    links: Links
    changes: tuple[Change, ...] = ()


def _site(name: str, uplink: str, *, ramp: str = "60/min", shared: tuple[str, ...] = ()) -> Site:
    return Site.model_validate(
        {
            "name": name,
            "endpoints": "triton.example.org:8001",
            "uplink": uplink,
            "ramp": ramp,
            "shared_links": shared,
            "gpu_pool": "cloud",
        }
    )


def _grid(
    sites: list[tuple[Site, Farm]], shared: dict[str, SharedLink], gpus: int, changes: tuple[Change, ...]
) -> Grid:
    return Grid(
        {site.name: site for site, _ in sites},
        {site.name: farm for site, farm in sites},
        Links(shared_links=shared, gpu_pools={"cloud": GpuPool(gpus=gpus)}),
        changes,
    )


def paper_grid() -> Grid:
    """Return 5,000 slots on ten sites behind links of 10, 40 and 100 Gb/s, and 100 GPUs."""
    sites = [
        (_site("fermilab", "100 Gb/s", ramp="120/min"), Farm(1900, 1.5)),
        (_site("cern", "100 Gb/s", shared=("transatlantic",)), Farm(700, 1.2)),
        (_site("ral", "40 Gb/s", shared=("transatlantic",)), Farm(450, 1.3)),
        (_site("lyon", "40 Gb/s", shared=("transatlantic",)), Farm(450, 1.0)),
        (_site("nersc", "40 Gb/s"), Farm(300, 2.0)),
        (_site("prague", "10 Gb/s", shared=("transatlantic",)), Farm(150, 1.2)),
        (_site("wisconsin", "10 Gb/s", shared=("regional",)), Farm(200, 1.8)),
        (_site("nebraska", "10 Gb/s", shared=("regional",)), Farm(200, 1.1)),
        (_site("boston", "10 Gb/s"), Farm(450, 1.6)),
        (_site("seattle", "10 Gb/s"), Farm(200, 1.8)),
    ]
    shared = {
        "transatlantic": SharedLink(rate="100 Gb/s", campaign_share="50 %"),
        "regional": SharedLink(rate="10 Gb/s", campaign_share="90 %"),
    }
    changes = (
        Change(1 / 3, "seattle", "speed", 2.0),
        Change(1 / 3, "boston", "speed", 0.5),
        Change(1 / 3, "ral", "speed", 2.0),
        Change(1 / 2, "fermilab", "budget", 0.5),
        Change(2 / 3, "fermilab", "budget", 1.0),
    )
    return _grid(sites, shared, 100, changes)


def small_grid() -> Grid:
    """Return 300 slots on three sites, two of which share a link, and 20 GPUs."""
    sites = [
        (_site("near", "4 Gb/s"), Farm(140, 1.5)),
        (_site("left", "10 Gb/s", shared=("ring",)), Farm(80, 1.5)),
        (_site("right", "10 Gb/s", shared=("ring",)), Farm(80, 2.0)),
    ]
    return _grid(sites, {"ring": SharedLink(rate="6 Gb/s", campaign_share="80 %")}, 20, ())
