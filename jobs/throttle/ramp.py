"""How many jobs may start now: a site's ramp, so that a campaign never begins everywhere at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["AHEAD_S", "Ramp"]

AHEAD_S = 15.0
"""Starts that were not used are kept for so long."""


@dataclass(frozen=True)
class Ramp:
    """Starts that a site has saved up.

    Attributes:
        saved: starts, a fraction included.
        at_s: when that was, in seconds of the caller's clock.

    """

    saved: float = 1.0
    at_s: float = 0.0

    def after(self, now_s: float, started: int, per_min: float) -> Ramp:
        """Return the ramp at a later look.

        Args:
            now_s: now, by the same clock.
            started: jobs that started since the last look.
            per_min: starts a minute.

        """
        most = max(1.0, per_min / 60 * AHEAD_S)
        grown = self.saved - started + per_min / 60 * max(0.0, now_s - self.at_s)
        return Ramp(min(max(grown, -most), most), now_s)

    @property
    def starts(self) -> int:
        """Whole starts that may be used now."""
        return max(0, math.floor(self.saved))
