"""Binds functions that make panels to the campaign that they are about, so that a recipe is a list of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitoring.panels.panel import PanelMaker

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from monitoring.panels.panel import Panel
    from monitoring.panels.shown import Shown

__all__ = ["maker"]


def maker(
    shown: Shown, key: str, every_s: float, make: Callable[[sqlite3.Connection, Shown, float], Panel]
) -> PanelMaker:
    """Return a maker that opens the campaign's store for each panel.

    Args:
        shown: the campaign.
        key: of the panel.
        every_s: how often it is worth it, seconds.
        make: a function of `monitoring.panels`, with what it is about, such as a site, bound already.

    """

    def make_now() -> Panel:
        with shown.reading() as connection:
            return make(connection, shown, time.time())

    return PanelMaker(key, every_s, make_now)
