"""The table of jobs pages, filters and sorts, and says in words what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.job_page import SORTABLE, JobFilter, job_page
from monitoring.panels.jobs import jobs, jobs_by_state
from monitoring.panels.panel import Facts, Table
from tests.builders.collected import MINUTE
from tests.builders.panel_cells import rows_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_every_job_has_a_row(collected: Collected) -> None:
    """A campaign that was just planned has all its jobs in the table, with nothing made up about them."""
    panel = jobs(collected.read(), collected.shown, MINUTE, JobFilter())
    rows = rows_of(panel)
    assert [row["job"] for row in rows] == list(range(10))
    unknown = ("since", "site", "worker", "sent_mbps", "share_mbps", "beat_at", "exit_class", "why", "condor")
    assert {rows[0][key] for key in unknown} == {None}
    assert rows[0]["state"] == "pending"
    assert panel.lead == "10 jobs; 1 to 10 shown, by number."


def test_a_row_is_that_of_the_store(collected: Collected) -> None:
    """Cells are the numbers of `job_page`; what only a running job has is not shown of others."""
    collected.run(0, MINUTE)
    collected.run(1, MINUTE, site="CERN")
    collected.end(1, MINUTE + 200, site="CERN", exit_class="bad_input", error="raw_0.root, entry 3: no hits\nmore")
    connection = collected.read()
    running, failed = rows_of(jobs(connection, collected.shown, MINUTE + 300, JobFilter()))[:2]
    line = job_page(connection, JobFilter(state="running")).lines[0]
    assert (running["sent_mbps"], running["share_mbps"]) == (line.sent_mbps, 12.5)
    assert (running["condor"], running["worker"], running["events_done"]) == ("7.0", "worker", 2)
    assert (failed["state"], failed["site"], failed["exit_class"]) == ("failed", "CERN", "bad_input")
    assert (failed["why"], failed["sent_mbps"]) == ("raw_0.root, entry 3: no hits", None)


def test_a_filter_is_said_in_words_and_kept_by_links(collected: Collected) -> None:
    """The lead names the filter, and a link in a cell narrows it further."""
    for job in range(4):
        collected.run(job, MINUTE + job, site="FNAL" if job % 2 else "CERN")
    wanted = JobFilter(state="running", site="FNAL")
    panel = jobs(collected.read(), collected.shown, MINUTE, wanted, "since", descending=True, limit=1)
    assert [row["job"] for row in rows_of(panel)] == [3]
    assert panel.lead == "2 jobs: state running, site FNAL; 1 to 1 shown, by since."
    assert isinstance(panel.content, Table)
    paging = panel.content.paging
    assert paging is not None
    assert (paging.total, paging.offset, paging.limit, paging.sort, paging.descending) == (2, 0, 1, "since", True)
    links = {column.key: column.link for column in panel.content.columns}
    assert links["job"] == "c/demo/job/{job}"
    assert links["block"] == "c/demo/jobs?state=running&site=FNAL&block={block}"
    assert links["site"] == "c/demo/jobs?state=running&site={site}"


def test_past_the_end_is_the_last_page(collected: Collected) -> None:
    """A page that is not there any more, as after a filter, becomes the last one."""
    panel = jobs(collected.read(), collected.shown, MINUTE, JobFilter(), offset=1 << 70, limit=4)
    assert [row["job"] for row in rows_of(panel)] == [8, 9]
    assert "9 to 10 shown" in panel.lead


def test_no_job_passes(collected: Collected) -> None:
    """A filter that nothing passes is said, not shown as an empty page alone."""
    panel = jobs(collected.read(), collected.shown, MINUTE, JobFilter(site="<b>&nowhere"), offset=50)
    assert rows_of(panel) == []
    assert panel.lead == "No job: site <b>&nowhere."


@pytest.mark.parametrize("sort", SORTABLE)
def test_pages_join_to_the_whole(collected: Collected, sort: str) -> None:
    """Whatever is sorted by, the pages one after the other have every job once, in either direction."""
    for job in (3, 1, 4, 5):
        collected.run(job, MINUTE + 10 * job, site="CERN" if job % 2 else "FNAL")
    connection = collected.read()
    found = {}
    for descending in (False, True):
        found[descending] = [
            row["job"]
            for offset in range(0, 12, 3)
            for row in rows_of(
                jobs(
                    connection,
                    collected.shown,
                    MINUTE,
                    JobFilter(),
                    sort,  # type: ignore[arg-type] # one of them
                    descending=descending,
                    offset=offset,
                    limit=3,
                )
            )
            if offset < 10
        ]
    assert len(found[False]) == 10
    assert set(found[False]) == set(range(10))
    assert found[True] == found[False][::-1]


def test_states_lead_to_their_jobs(collected: Collected) -> None:
    """Each state's count leads to its jobs and keeps the rest of the filter; trouble is toned where there is any."""
    collected.run(0, MINUTE)
    collected.run(1, MINUTE)
    collected.log.held(7, 1, "a person held it")
    connection = collected.read()
    panel = jobs_by_state(connection, collected.shown, MINUTE, JobFilter(state="held", site="FNAL"))
    assert isinstance(panel.content, Facts)
    facts = {fact.key: fact for fact in panel.content.facts}
    counts = {key: fact.value for key, fact in facts.items()}
    assert counts == {
        "all": 2,
        "held": 1,
        "failed": 0,
        "running": 1,
        "idle": 0,
        "pending": 0,
        "done": 0,
        "whole": "all jobs",
    }
    assert facts["running"].link == "c/demo/jobs?state=running&site=FNAL"
    assert (facts["all"].link, facts["whole"].link) == ("c/demo/jobs?site=FNAL", "c/demo/jobs")
    assert (facts["held"].tone, facts["failed"].tone) == ("warn", "")
