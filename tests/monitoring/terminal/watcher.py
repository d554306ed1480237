"""Watches a campaign with two panels out of its store: what the tests of `watch` run as a program of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.layout import CampaignFolder
from monitoring.live.states import count_states
from monitoring.panels.panel import Fact, Facts, Line, Panel, PanelMaker, Plot, Recipe, Source
from monitoring.terminal.watch import watch

if TYPE_CHECKING:
    from monitoring.panels.shown import Shown


def recipe_of(shown: Shown) -> Recipe:
    """Return a page of states and a headline; the panel that nobody draws must not be made."""

    def states() -> Panel:
        with shown.reading() as connection:
            counts = count_states(connection)
        lines = tuple(Line(count.state, count.state, (float(count.jobs),), "state") for count in counts)
        return Panel("states", "Jobs", "", Source("test"), Plot("count", 60, (0,), lines, stacked=True))

    def headline() -> Panel:
        with shown.reading() as connection:
            done = sum(count.jobs for count in count_states(connection) if count.state == "done")
        facts = (Fact("done", "Done", done, "count", tone="good"),)
        return Panel("headline", "Campaign", "A campaign.", Source("test"), Facts(facts))

    def blocks() -> Panel:
        raise AssertionError("made for nothing")

    makers = (
        PanelMaker("headline", 0.0, headline),
        PanelMaker("states", 0.0, states),
        PanelMaker("blocks", 0.0, blocks),
    )
    return Recipe("a campaign", (), makers)


if __name__ == "__main__":
    sys.exit(watch(CampaignFolder(Path(sys.argv[1])), recipe_of, every_s=0.1))
