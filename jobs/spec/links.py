"""What several sites share: links and GPU pools, all in one file `links.yaml` beside the site configs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from jobs.spec.units import MegabitsPerSecond, Share
from jobs.spec.yaml_file import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFAULT_CAMPAIGN_SHARE",
    "JOBS_PER_GPU",
    "LINKS_FILE",
    "NAME_PATTERN",
    "GpuPool",
    "Links",
    "SharedLink",
    "load_links",
]

LINKS_FILE = "links.yaml"
"""Stands beside the site configs and is none, so no site can be called `links`."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
"""Names of sites, shared links and GPU pools go into ClassAd expressions and names of limits."""

DEFAULT_CAMPAIGN_SHARE = 0.8

JOBS_PER_GPU = 68
"""Full-chain ProtoDUNE jobs, one CPU thread each, that keep one NVIDIA T4 busy: Wang et al., arXiv:2009.04509."""


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SharedLink(_Keys):
    """A link that jobs of several sites go through, with a budget of its own."""

    rate_mbps: MegabitsPerSecond = Field(
        alias="rate",
        gt=0,
        examples=["400 Gb/s"],
        description="Rate of the link, in the direction of the inference pool",
    )
    campaign_share: Share = Field(
        DEFAULT_CAMPAIGN_SHARE, description="Part of the rate that campaigns may fill, all sites together"
    )

    @property
    def budget_mbps(self) -> float:
        """What the jobs of all its sites may send together, Mb/s."""
        return self.rate_mbps * self.campaign_share


class GpuPool(_Keys):
    """GPUs behind endpoints, which can serve so many jobs at once."""

    gpus: Annotated[int, Field(strict=True)] = Field(
        ge=1, examples=[100], description="GPUs that answer behind the endpoints"
    )
    jobs_per_gpu: Annotated[int, Field(strict=True)] = Field(
        JOBS_PER_GPU, ge=1, description="Jobs that one GPU serves before they wait for it; 68 is the paper's for a T4"
    )

    @property
    def most_jobs(self) -> int:
        """Most jobs of the gpu flavour at once, all sites of the pool together."""
        return self.gpus * self.jobs_per_gpu


_Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class Links(_Keys):
    """Everything that sites share, by name."""

    shared_links: dict[_Name, SharedLink] = Field({}, description="Links that several sites go through, by name")
    gpu_pools: dict[_Name, GpuPool] = Field({}, description="GPUs that the jobs of one or more sites ask, by name")


def load_links(folder: Path) -> Links:
    """Read `links.yaml` of a folder of site configs; a folder without one has no shared links and no GPU pools.

    Raises:
        ConfigError: with every problem of the file.

    """
    path = folder / LINKS_FILE
    return read_yaml(path, Links) if path.exists() else Links()
