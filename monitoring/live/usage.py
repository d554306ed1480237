"""What jobs used of what they asked for: time, memory, disk, CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import yaml

from jobs.exits import ExitClass
from jobs.spec.campaign import JobSize

if TYPE_CHECKING:
    import sqlite3

    from jobs.layout import CampaignFolder

__all__ = ["Asked", "Quantiles", "Usage", "asked_of", "usage_by"]

_MOST_ATTEMPTS = 5_000
"""The newest are enough to tell a distribution by."""


@dataclass(frozen=True)
class Quantiles:
    """Of one quantity over attempts."""

    p50: float
    p95: float
    largest: float


@dataclass(frozen=True)
class Usage:
    """Attempts of one flavour at one site that succeeded; None where none is known.

    Attributes:
        flavour, site: whose.
        attempts: that are counted.
        run_s: wall seconds of an attempt.
        memory_mb: largest resident memory of the payload.
        disk_mb: of the slot, as HTCondor says.
        cpu_efficiency: CPU seconds over wall seconds.
        inference_share: seconds of inference over wall seconds: time in which a remote GPU works for the job.
        startup_s: until the input was open.

    """

    flavour: str
    site: str
    attempts: int
    run_s: Quantiles
    memory_mb: Quantiles
    disk_mb: Quantiles | None
    cpu_efficiency: float | None
    inference_share: float | None
    startup_s: Quantiles


@dataclass(frozen=True)
class Asked:
    """What a job asks for; None where the campaign's spec does not say it."""

    memory_mb: float | None
    disk_mb: float | None
    run_s: float | None


def usage_by(connection: sqlite3.Connection) -> list[Usage]:
    """Return what the newest successful attempts used, by flavour and site."""
    rows = connection.execute(
        "SELECT attempts.flavour, attempts.site, max(ended - started, 0), max_rss_mb, "
        "CASE WHEN jobs.cluster = attempts.cluster THEN jobs.disk_mb ELSE -1 END, cpu_s, inference_s, startup_s "
        "FROM attempts JOIN jobs ON jobs.job = attempts.job WHERE attempts.exit_class = ? "
        "ORDER BY ended_at DESC LIMIT ?",
        (ExitClass.DONE, _MOST_ATTEMPTS),
    )
    groups: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for flavour, site, *values in rows:
        groups.setdefault((flavour, site), []).append(tuple(values))
    found = []
    for (flavour, site), values in sorted(groups.items(), reverse=True):
        run_s, memory_mb, disk_mb, cpu_s, inference_s, startup_s = np.array(values, dtype=np.float64).T
        wall_s = float(run_s.sum())
        found.append(
            Usage(
                flavour=flavour,
                site=site,
                attempts=len(values),
                run_s=_quantiles(run_s),
                memory_mb=_quantiles(memory_mb),
                disk_mb=_quantiles(disk_mb[disk_mb >= 0]) if (disk_mb >= 0).any() else None,
                cpu_efficiency=float(cpu_s.sum()) / wall_s if wall_s else None,
                inference_share=float(inference_s.sum()) / wall_s if wall_s else None,
                startup_s=_quantiles(startup_s),
            )
        )
    return found


def asked_of(folder: CampaignFolder) -> Asked:
    """Return what the campaign's jobs ask for, by the copy of the spec in its folder."""
    try:
        keys = yaml.safe_load(folder.spec.read_bytes())["jobs"]
        size = JobSize.model_validate(keys)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return Asked(None, None, None)
    return Asked(size.memory_mb, size.disk_mb, float(size.max_runtime_s))


def _quantiles(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Quantiles:
    p50, p95, largest = np.percentile(values, (50, 95, 100))
    return Quantiles(float(p50), float(p95), float(largest))
