"""The overview: every campaign of the dashboard in a row, and what they come to together."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from monitoring.panels.campaign_line import campaign_lines, campaigns_headline, campaigns_table
from monitoring.panels.panel import PanelMaker, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.campaign_line import CampaignLine
    from monitoring.panels.shown import Shown

__all__ = ["overview"]

EVERY_S = 2.0

_SAME_S = 1.0
"""Both panels of a page are made of one look at the campaigns, if they are made within this time."""


class _Look:
    """Reads all campaigns, for whichever panel comes first."""

    def __init__(self, campaigns: Sequence[Shown]) -> None:
        self._campaigns = campaigns
        self._lock = threading.Lock()
        self._lines: list[CampaignLine] = []
        self._until = 0.0
        self._at = 0.0

    def now(self) -> tuple[list[CampaignLine], float]:
        """Return where each campaign stands, and when that was read, seconds since the epoch."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._at = time.time()
                self._lines = campaign_lines(self._campaigns, self._at)
                self._until = time.monotonic() + _SAME_S
            return self._lines, self._at


def overview(campaigns: Sequence[Shown]) -> Recipe:
    """Return the page of all campaigns."""
    look = _Look(campaigns)
    return Recipe(
        "Campaigns",
        (),
        (
            PanelMaker("headline", EVERY_S, lambda: campaigns_headline(look.now()[0])),
            PanelMaker("campaigns", EVERY_S, lambda: campaigns_table(*look.now())),
        ),
    )
