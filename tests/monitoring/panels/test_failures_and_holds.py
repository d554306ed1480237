"""What went wrong is said with who must act, where, and which job to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.trouble import failure_groups, hold_buckets, retries_so_far
from monitoring.panels.failures import failures
from monitoring.panels.holds import holds
from monitoring.panels.notes import notes
from monitoring.panels.panel import Facts
from monitoring.panels.retries import retries
from tests.builders.collected import MINUTE
from tests.builders.panel_cells import rows_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_nothing_is_wrong(collected: Collected) -> None:
    """No failure, hold, retry or note is good news, in words."""
    connection = collected.read()
    leads = [make(connection, collected.shown, MINUTE).lead for make in (failures, holds, retries)]
    assert leads == ["Nothing has failed.", "No job is held.", "No job was tried more than once."]
    assert notes(connection, collected.shown, MINUTE) is None
    assert failures(connection, collected.shown, MINUTE, site="CERN").lead == "Nothing has failed at CERN."


def test_jobs_that_failed(collected: Collected) -> None:
    """The lead says how many, where, as what and who must act; a row leads to the newest job."""
    for job in range(4):
        site = "FNAL" if job == 3 else "CERN"
        collected.run(job, MINUTE, site=site)
        error = f"<i>raw_{job}.root</i>: no hits\nmore"
        collected.end(job, MINUTE + 200 + job, site=site, host="worker", exit_class="bad_input", error=error)
    connection = collected.read()
    panel = failures(connection, collected.shown, MINUTE + 300, site="CERN")
    assert panel.lead == (
        "3 jobs have failed at CERN, as bad_input; nothing tries them again before `sonicgrid submit`. Must act: owner "
        "of the data."
    )
    assert panel.tone == "bad"
    (row,) = rows_of(panel)
    (group,) = [one for one in failure_groups(connection) if one.site == "CERN"]
    assert (row["jobs_failed"], row["attempts"], row["last_at"]) == (3, 3, group.last_at)
    assert (row["job"], row["error"]) == (2, "<i>raw_2.root</i>: no hits")
    every = failures(connection, collected.shown, MINUTE + 300)
    assert "4 jobs have failed at CERN and FNAL" in every.lead
    assert [row["jobs_failed"] for row in rows_of(every)] == [3, 1]


def test_attempts_that_were_tried_again(collected: Collected) -> None:
    """An attempt that failed while its job goes on is no failed job, and a retry that cost its time."""
    collected.run(0, MINUTE)
    collected.campaign.attempt(0, cluster=7, started=MINUTE, wall_s=1800.0, exit_class="worker", retries=10)
    collected.log.evicted(7, 0)
    collected.log.executing(7, 0)
    collected.campaign.attempt(0, cluster=7, attempt=1, started=MINUTE + 1800)
    connection = collected.read()
    panel = failures(connection, collected.shown, MINUTE + 300)
    assert panel.lead == "1 attempt has failed, and no job has: each was tried again, or waits for it."
    assert panel.tone == ""
    tried = retries(connection, collected.shown, MINUTE + 300)
    found = retries_so_far(connection)
    assert isinstance(tried.content, Facts)
    assert [fact.value for fact in tried.content.facts] == [1, 1, 0.5, found.requests_repeated / found.requests]
    assert tried.lead == (
        "1 job was tried more than once; attempts that failed took 0.5 hours. 12.5 % of the requests were sent again."
    )


def test_many_workers_are_one_line(collected: Collected) -> None:
    """Where many workers of a site fail alike they are counted together; the one with a large part is named."""
    for job in range(9):
        collected.run(job, MINUTE)
        host = "black-hole" if job > 4 else f"w{job}"
        collected.end(job, MINUTE + 200, host=host, exit_class="worker")
    rows = rows_of(failures(collected.read(), collected.shown, MINUTE + 300))
    assert {(row["host"], row["jobs_failed"]) for row in rows} == {("black-hole", 4), ("5 other workers", 5)}


def test_workers_with_a_large_part_each_are_named(collected: Collected) -> None:
    """Four workers that failed equally often are four lines, and none is left for a line of others."""
    for job in range(4):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200, host=f"w{job}", exit_class="worker")
    rows = rows_of(failures(collected.read(), collected.shown, MINUTE + 300))
    assert {(row["host"], row["jobs_failed"]) for row in rows} == {(f"w{job}", 1) for job in range(4)}


@pytest.mark.parametrize(
    ("code", "goes_on"), [(1, "a person"), (3, "time: HTCondor starts each again"), (34, "three times")]
)
def test_held_jobs(collected: Collected, code: int, goes_on: str) -> None:
    """Each reason has its jobs, an example, and what lets them go; the number leads to them."""
    for job in (0, 1):
        collected.run(job, MINUTE)
        collected.log.held(7, job, "pool_away: <b>no endpoint</b>")
    collected.log.path.write_text(collected.log.path.read_text().replace("Code 26", f"Code {code}"))
    connection = collected.read()
    panel = holds(connection, collected.shown, MINUTE + 300)
    (row,), (bucket,) = rows_of(panel), hold_buckets(connection)
    assert (row["jobs"], row["since"], row["reason"]) == (2, MINUTE + 60, bucket.reason)
    assert row["example"] == "pool_away: <b>no endpoint</b>"
    assert goes_on in str(row["goes_on"])
    assert panel.lead.startswith(f"2 jobs are held at FNAL: {bucket.reason}. What lets them go: ")
    assert panel.tone == "warn"


def test_notes_that_stand_come_first(collected: Collected) -> None:
    """What is wrong now is said in the lead, and what was wrong stays in the table."""
    record = collected.campaign.attempt(0)
    path = collected.campaign.folder.block(0).record(0, 7, 0)
    path.write_text("{")
    panel = notes(collected.read(), collected.shown, MINUTE)
    assert panel is not None
    assert panel.lead.startswith(f"1 thing is wrong now: {path}")
    assert (panel.tone, rows_of(panel)[0]["standing"]) == ("warn", "yes")
    path.write_text(record.model_dump_json())
    panel = notes(collected.read(), collected.shown, MINUTE)
    assert panel is not None
    assert panel.lead == "Nothing is wrong now; 1 thing was before."
    assert panel.tone == ""
