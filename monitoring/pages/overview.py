"""The overview: every campaign of the dashboard in a row, and what they come to together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitoring.panels.campaign_line import EVERY_S, campaign_lines, campaigns_headline, campaigns_table
from monitoring.panels.panel import PanelMaker, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.panel import Panel
    from monitoring.panels.shown import Shown

__all__ = ["overview"]

TITLE = "Campaigns"


def overview(campaigns: Sequence[Shown]) -> Recipe:
    """Return the page of all campaigns."""

    def make_headline() -> Panel:
        return campaigns_headline(campaign_lines(campaigns, time.time()))

    def make_table() -> Panel:
        now = time.time()
        return campaigns_table(campaign_lines(campaigns, now), now)

    return Recipe(
        TITLE, (), (PanelMaker("headline", EVERY_S, make_headline), PanelMaker("campaigns", EVERY_S, make_table))
    )
