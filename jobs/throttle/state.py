"""What the throttle knows and decided last, in a file: for people who ask, and for a throttle that starts again."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.replace_file import replace_file
from jobs.seal import seal_json, unseal_json
from jobs.throttle.aside import Aside
from jobs.throttle.correct import Correction
from jobs.throttle.tally import Tally

__all__ = ["SiteState", "ThrottleState", "read_state", "write_state"]


class SiteState(BaseModel):
    """One site, as the throttle sees it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    admission: Literal["negotiator", "materialize"] = Field(description="Who admits jobs at the site")
    budget_mbps: float = Field(description="Mb/s that the site's jobs may send together")
    rate_mbps: float = Field(description="Mb/s that one job is taken to need")
    rate_origin: Literal["config", "measured", "elsewhere", "spec", "pilots"] = Field(
        description="Where that comes from: typed in, measured here, measured at other sites, the spec's estimate, or"
        " nothing is known and the first jobs are pilots"
    )
    admitted: int = Field(description="Jobs that may run in the end")
    binds: str = Field(description="What keeps the site from more")
    room: int = Field(description="Jobs that may run now, on the way there")
    planned: int = Field(description="Jobs that the shares are made for")
    running: int = Field(description="Jobs of the campaign that run and use the network")
    cpu_running: int = Field(0, description="Jobs of the campaign that run and use no network")
    share_mbps: float = Field(description="Mb/s on the wire that one job may send")
    flavour: Literal["gpu", "cpu"] = Field("gpu", description="Flavour of the next job with `flavour: auto`")
    correction: Correction = Field(Correction(), description="What the measured rate is multiplied with, and why")
    tally: Tally = Field(Tally(), description="Sums over the reports of its jobs")


class ThrottleState(BaseModel):
    """A campaign's throttle at one moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = Field(1, description="Version of this format")
    at: float = Field(description="When, seconds since the epoch")
    problem: str = Field("", description="Why the last look failed; empty if it did not")
    core_patches_per_s: float | None = Field(None, description="Patches a second on one core, by the cpu jobs")
    sites: dict[str, SiteState] = Field(description="By name")
    aside: tuple[Aside, ...] = Field((), description="Hosts and sites that get no jobs for now, and why")


def read_state(folder: CampaignFolder) -> ThrottleState | None:
    """Return what was decided last; None before the first decision.

    Raises:
        CampaignError: the file cannot be read.

    """
    if not folder.throttle.exists():
        return None
    try:
        return ThrottleState.model_validate_json(unseal_json(folder.throttle.read_bytes()))
    except (OSError, ValueError) as error:
        message = (
            f"{folder.throttle}: not readable; `sonicgrid submit` sets it aside, and the throttle starts with what jobs"
            f" report: {error}"
        )
        raise CampaignError(message) from error


def write_state(folder: CampaignFolder, state: ThrottleState) -> None:
    """Write the state, complete or not at all."""
    replace_file(folder.throttle, seal_json(state.model_dump_json(indent=1).encode()))
