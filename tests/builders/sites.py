"""Builds sites and what they share, for tests that need their numbers and no files."""

from __future__ import annotations

from typing import Any

from jobs.spec.links import Links
from jobs.spec.site import Site

__all__ = ["a_site", "shared"]


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
