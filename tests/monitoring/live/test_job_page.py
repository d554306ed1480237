"""The table of jobs comes a page at a time, filtered and sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.job_page import SORTABLE, JobFilter, count_filtered, job_page
from tests.builders.campaign import START

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_a_page_is_filtered_sorted_and_cut(collected: Collected) -> None:
    """The total is of all that pass the filter, the lines are those of the page."""
    for job in range(5):
        collected.run(job, START + job, site="FNAL" if job % 2 else "CERN")
    connection = collected.read()
    page = job_page(connection, JobFilter(state="running"), "since", descending=True, limit=2)
    assert page.total == 5
    assert [line.job for line in page.lines] == [4, 3]
    assert [line.job for line in job_page(connection, JobFilter(site="FNAL")).lines] == [1, 3]
    assert [line.job for line in job_page(connection, JobFilter(block=0), offset=8).lines] == [8, 9]
    assert job_page(connection, JobFilter(block=1)).total == 0
    line = page.lines[0]
    assert line.sent_mbps == pytest.approx(8e-6 * 1.05 * 1_000_000 / 60)
    assert (line.events, line.events_done, line.worker) == (5, 2, "worker")


def test_only_columns_can_be_sorted_by(collected: Collected) -> None:
    """A name that comes from outside is never a part of a query."""
    with pytest.raises(ValueError, match="cannot be sorted"):
        job_page(collected.read(), JobFilter(), "job; DROP TABLE jobs")  # type: ignore[arg-type] # on purpose


def test_no_text_is_read_for_rows_that_are_not_shown(collected: Collected) -> None:
    """Whatever is filtered and sorted by stands in one index: 100,000 jobs are sorted without reading their rows."""
    connection = collected.read()
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    for sort in SORTABLE:
        job_page(connection, JobFilter(state="running", site="FNAL", worker="w", exit_class="done"), sort)
    connection.set_trace_callback(None)
    sorts = [text for text in asked if text.startswith(("SELECT count(*)", "SELECT job FROM"))]
    assert len(sorts) == 2 * len(SORTABLE)
    for text in sorts:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}"))
        assert "COVERING INDEX jobs_listed" in plan


def test_counts_take_no_notice_of_the_state_that_is_asked(collected: Collected) -> None:
    """Each state's count is that of the filter without its state."""
    for job in range(3):
        collected.run(job, START, site="FNAL" if job else "CERN")
    connection = collected.read()
    assert count_filtered(connection, JobFilter(state="done")) == {"pending": 7, "running": 3}
    assert count_filtered(connection, JobFilter(state="done", site="FNAL")) == {"running": 2}
