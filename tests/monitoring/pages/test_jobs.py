"""The page of all jobs, from what was asked to its panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.errors import NoSuchPage
from monitoring.live.job_page import JobFilter
from monitoring.pages.jobs import jobs
from monitoring.panels.panel import Table
from tests.builders.collected import MINUTE

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_the_page_is_what_was_asked(collected: Collected) -> None:
    """Counts and table have the same filter; the page stands below its campaign."""
    for job in range(3):
        collected.run(job, MINUTE, site="FNAL" if job else "CERN")
    collected.read().close()
    recipe = jobs(collected.shown, JobFilter(site="FNAL"), "job", descending=True, offset=0, limit=1)
    assert [(crumb.title, crumb.link) for crumb in recipe.crumbs] == [("Campaigns", ""), ("demo", "c/demo")]
    states, table = (maker.make() for maker in recipe.makers)
    assert [maker.key for maker in recipe.makers] == [states.key, table.key] == ["jobs-states", "jobs"]
    assert states.lead == "2 jobs: site FNAL."
    assert isinstance(table.content, Table)
    assert [row[0] for row in table.content.rows] == [2]


def test_a_state_or_column_that_is_not_there(collected: Collected) -> None:
    """The message says which there are."""
    with pytest.raises(NoSuchPage, match=r"'heldd' is no state of a job; take one of held, failed, running"):
        jobs(collected.shown, JobFilter(state="heldd"))
    with pytest.raises(NoSuchPage, match=r"cannot be sorted by 'job; DROP TABLE jobs'; take one of job, state"):
        jobs(collected.shown, JobFilter(), "job; DROP TABLE jobs")
