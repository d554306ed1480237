"""How long a campaign takes if all goes well, for people who plan their weeks by it.

Jobs start no faster than the ramps of the sites allow, until as many run as fit; then one starts whenever one ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SiteRoom", "expect_s"]


@dataclass(frozen=True)
class SiteRoom:
    """What a site takes.

    Attributes:
        jobs: that fit at once.
        starts_per_s: its ramp.

    """

    jobs: int
    starts_per_s: float


def expect_s(sites: Iterable[SiteRoom], *, n_jobs: int, work_s: float, longest_s: float) -> float | None:
    """Return the time from the first start to the last end, in seconds; None if no job fits anywhere.

    Args:
        sites: where jobs may run.
        n_jobs: number of jobs.
        work_s: time of all of them together, one after the other.
        longest_s: time of the longest.

    """
    if not n_jobs:
        return 0.0
    open_ = [site for site in sites if site.jobs > 0]
    if not open_:
        return None
    starts_per_s = sum(site.starts_per_s for site in open_)
    at_once = min(sum(site.jobs for site in open_), n_jobs)
    by_room_s = work_s / at_once + at_once / (2 * starts_per_s)
    by_ramp_s = n_jobs / starts_per_s + work_s / n_jobs
    return max(longest_s, by_room_s, by_ramp_s)
