"""The page of one job has every panel, before anything has happened to it and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.errors import NoSuchPage, StoreUnusable
from monitoring.pages.job import job
from monitoring.panels.panel import Plot, Table
from tests.builders.collected import MINUTE

if TYPE_CHECKING:
    from monitoring.panels.panel import Panel
    from tests.builders.collected import Collected

KEYS = ["job", "job-input", "job-life", "job-attempts", "job-rates", "job-events", "job-log", "job-commands"]


def check(panel: Panel) -> None:
    """Assert what must be so of every panel."""
    assert panel.lead
    assert panel.source.text
    if isinstance(panel.content, Table):
        assert all(len(row) == len(panel.content.columns) for row in panel.content.rows)
    if isinstance(panel.content, Plot):
        assert all(len(line.values) == len(panel.content.starts) for line in panel.content.lines)


def test_every_panel_of_a_life(collected: Collected) -> None:
    """From pending to done, each panel can be made, and leads in a sentence."""
    for step in range(3):
        if step == 1:
            collected.run(0, MINUTE)
        if step == 2:
            collected.end(0, MINUTE + 200)
        collected.read().close()
        recipe = job(collected.shown, 0)
        panels = [maker.make() for maker in recipe.makers]
        assert [panel.key for panel in panels] == [maker.key for maker in recipe.makers] == KEYS
        for panel in panels:
            check(panel)
    assert [crumb.link for crumb in recipe.crumbs] == ["", "c/demo", "c/demo/jobs"]
    assert recipe.title == "Job 0 of demo"


def test_a_job_that_is_not_there(collected: Collected) -> None:
    """There is no page, and the message says which jobs there are; without a store there is none either."""
    with pytest.raises(StoreUnusable):
        job(collected.shown, 0)
    collected.read().close()
    with pytest.raises(NoSuchPage, match="campaign demo has no job 10; its jobs are 0 to 9"):
        job(collected.shown, 10)
