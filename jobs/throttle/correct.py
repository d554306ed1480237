"""The closed loop: jobs say how long their pacers hold them back, and the estimate of Mb/s per job follows, slowly.

Throughput would be the wrong thing to look at: under a pacer it never exceeds the target, so a loop that raises the
number of jobs until it does would raise it for ever. The time for which pacers hold jobs back has a right value:
with `admit_factor` jobs for every job that the mean demand allows, each is slowed to 1 / admit_factor of its own
speed, and waits for the rest of the time. Less of it means that the link has room for more jobs; more of it, that
jobs starve each other. Slowly up, quickly down, one step in the time that the last one takes to show.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STEP_EVERY_S", "Correction", "correct"]

STEP_EVERY_S = 120.0
"""Time for jobs to start or end after a step, and to report twice."""

FEWER_MBPS = 0.95
"""Factor of one step towards more jobs: less Mb/s per job."""

MORE_MBPS = 1.25
"""Factor of one step towards fewer jobs."""

LEAST, MOST = 0.5, 2.0
"""Bounds of the correction itself: the measured estimate is never off by more."""

HIGH = 1.5
LOW = 0.5
"""Pressure above HIGH times the right one, or below LOW times, calls for a step."""

ALMOST_NONE = 0.1
"""The right pressure is taken to be at least this, so that noise at `admit_factor: 1` calls for nothing."""


@dataclass(frozen=True)
class Correction:
    """What one site's measured Mb/s per job is multiplied with.

    Attributes:
        factor: the multiplier.
        changed_at: when it last changed, seconds since the epoch.
        reason: why, in words; empty before the first step.

    """

    factor: float = 1.0
    changed_at: float = 0.0
    reason: str = ""


def correct(
    before: Correction, pressure: float | None, *, admit_factor: float, at_limit: bool, now_s: float
) -> Correction:
    """Return the correction after another look.

    Args:
        before: in force.
        pressure: part of the time for which the site's jobs were held back; None if too little is known.
        admit_factor: of the site.
        at_limit: whether as many jobs run as are admitted; more must not be asked for where others are missing.
        now_s: seconds since the epoch.

    """
    if pressure is None or now_s - before.changed_at < STEP_EVERY_S:
        return before
    right = max(1.0 - 1.0 / admit_factor, ALMOST_NONE)
    said = f"jobs were held back {pressure:.0%} of the time, {right:.0%} is right"
    if pressure > HIGH * right and before.factor < MOST:
        return Correction(min(MOST, before.factor * MORE_MBPS), now_s, f"{said}: fewer jobs")
    if pressure < LOW * right and at_limit and before.factor > LEAST:
        return Correction(max(LEAST, before.factor * FEWER_MBPS), now_s, f"{said}: more jobs")
    return before
