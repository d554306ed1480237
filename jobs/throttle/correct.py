"""The closed loop: jobs say how long their pacers hold them back, and the estimate of Mb/s per job follows, slowly.

Throughput would be the wrong thing to look at: under a pacer it never exceeds the target, so a loop that raises the
number of jobs until it does would raise it for ever. The time for which jobs wait for their share has a right value:
with `admit_factor` jobs for every job that the mean demand allows, each is slowed to 1 / admit_factor of its own
speed, and waits for the rest of the time. Less of it means that the link has room for more jobs; more of it, that
jobs starve each other. What jobs leave of their shares calls for more of them too, up to the same bound: those that
start up or end send nothing, however long the others wait. Slowly up, quickly down, one step in the time that the last
one takes to show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["LOOK_BACK_S", "STEP_EVERY_S", "Correction", "correct"]

STEP_EVERY_S = 300.0
"""Time for jobs to start or end after a step, to take an event or two at their new shares, and to report it."""

LOOK_BACK_S = 150.0
"""Memory (`Tally.faded`) of the reports that are looked at: a look back beyond the last step would repeat that step."""

FEWER_MBPS = 0.95
"""Factor of one step towards more jobs: less Mb/s per job."""

MORE_MBPS = 1.25
"""Factor of one step towards fewer jobs."""

LEAST, MOST = 0.5, 2.0
"""Bounds of the correction itself: the measured estimate is never off by more."""

HIGH, TOLERATED, LOW = 2.0, 1.3, 0.9
"""In `admit_factor`s: jobs slower by more than HIGH call for fewer of them, by less than LOW for more of them; and jobs
that leave their shares unused for more of them, up to TOLERATED."""

USED = 0.95
"""Part of their shares that jobs use if there are enough of them; a client with whole requests reaches 97 to 99 %."""

_SLOWEST = 100.0
"""Slowdown of jobs that do nothing but wait."""


@dataclass(frozen=True)
class Correction:
    """What one site's measured Mb/s per job is multiplied with.

    Attributes:
        factor: the multiplier.
        changed_at: since when nothing but it has changed, seconds since the epoch.
        reason: why, in words; empty before the first step.

    """

    factor: float = 1.0
    changed_at: float = 0.0
    reason: str = ""


def correct(
    before: Correction,
    pressure: float | None,
    *,
    admit_factor: float,
    at_limit: bool,
    now_s: float,
    share_use: float | None = None,
    over_limit: bool = False,
) -> Correction:
    """Return the correction after another look.

    Args:
        before: in force.
        pressure: part of the time for which the site's jobs were held back, `Tally.pressure` of the reports of about
            `LOOK_BACK_S`; None if too little is known.
        admit_factor: of the site.
        at_limit: whether as many jobs run as are admitted, nearly, and it is a link that admits no more
            (`Decision.link_binds`); more must not be asked for where slots or GPUs are missing, or jobs start slowly.
        now_s: seconds since the epoch.
        share_use: part of their shares that jobs used, `Tally.share_use` of the same reports; None if not known.
        over_limit: whether more jobs run than are admitted. None of them is killed, so pressure stays high until enough
            have ended, and the time for a step to show begins only then.

    """
    if over_limit:
        return replace(before, changed_at=now_s)
    if pressure is None or now_s - before.changed_at < STEP_EVERY_S:
        return before
    slowdown = min(_SLOWEST, 1 / max(1 - pressure, 1 / _SLOWEST))
    said = f"jobs are {slowdown:.2f} times slower than alone, {admit_factor:.2f} is right"
    if slowdown > HIGH * admit_factor and before.factor < MOST:
        return Correction(min(MOST, before.factor * MORE_MBPS), now_s, f"{said}: fewer jobs")
    if at_limit and before.factor > LEAST:
        factor = max(LEAST, before.factor * FEWER_MBPS)
        if slowdown < LOW * admit_factor:
            return Correction(factor, now_s, f"{said}: more jobs")
        if share_use is not None and share_use < USED and slowdown < TOLERATED * admit_factor:
            return Correction(factor, now_s, f"jobs use {share_use:.0%} of their shares: more jobs")
    return before
