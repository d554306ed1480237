"""Counts in plots and tables are those of `live`, and add up to the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import bins_of
from monitoring.live.states import count_states, states_over_time
from monitoring.panels import blocks as blocks_module
from monitoring.panels.blocks import blocks
from monitoring.panels.panel import Plot, Table
from monitoring.panels.states import flavours, states, states_table
from tests.builders.collected import MINUTE
from tests.builders.panel_rows import rows_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected

NOW = MINUTE + 400


def some_trouble(collected: Collected) -> None:
    """Jobs at two sites, one of each end; one that was sent back."""
    for job, site in enumerate(("FNAL", "FNAL", "CERN", "CERN", "CERN")):
        collected.run(job, MINUTE, site=site)
    collected.end(0, MINUTE + 200)
    collected.end(1, MINUTE + 200, exit_class="worker")
    collected.log.held(7, 2, "a person held it")
    collected.log.evicted(7, 3)


@pytest.mark.parametrize("site", ["", "CERN"])
def test_states_over_time(collected: Collected, site: str) -> None:
    """The plot has the series of `states_over_time`, in the order of display, stacked."""
    some_trouble(collected)
    connection = collected.read()
    panel = states(connection, collected.shown, NOW, site)
    assert isinstance(panel.content, Plot)
    bins = bins_of(collected.shown.span(connection, NOW), NOW)
    wanted = {
        one.state: one.jobs for one in states_over_time(connection, bins, "site" if site else "") if one.group == site
    }
    assert {line.key: line.values for line in panel.content.lines} == wanted
    assert [line.key for line in panel.content.lines] == (
        ["held", "running", "idle"] if site else ["held", "failed", "running", "idle", "pending", "done"]
    )
    assert panel.content.stacked
    assert {line.role for line in panel.content.lines} == {"state"}
    assert panel.lead.startswith("Of 3 jobs, 1 is held, 1 runs and 1 waits" if site else "Of 10 jobs, 1 is held, 1 has")


def test_the_table_of_sites_adds_up(collected: Collected) -> None:
    """Jobs that have no site yet have a row that leads nowhere; a site without jobs is there if it is in force."""
    collected.in_force({"FNAL": {}, "CERN": {}, "BNL": {}})
    some_trouble(collected)
    panel = states_table(collected.read(), collected.shown, NOW)
    rows = rows_of(panel)
    assert [row["site"] for row in rows] == ["BNL", "CERN", "FNAL", None]
    assert sum(int(row["jobs"] or 0) for row in rows) == 10
    assert sum(int(row["events"] or 0) for row in rows) == 50
    bnl, cern, fnal, _ = rows
    assert (cern["held"], cern["tone_held"], cern["running"], cern["idle"]) == (1, "warn", 1, 1)
    assert (fnal["failed"], fnal["tone_failed"], fnal["done_share"]) == (1, "bad", 0.5)
    assert (bnl["jobs"], bnl["done_share"]) == (0, None)
    assert "5 jobs did not start yet" in panel.lead
    assert isinstance(panel.content, Table)
    links = {column.key: column.link for column in panel.content.columns}
    assert links["site"] == "c/demo/site/{site}"
    assert links["held"] == "c/demo/jobs?site={site}&state=held"
    assert links["jobs"] == "c/demo/jobs?site={site}"


def test_the_table_of_flavours(collected: Collected) -> None:
    """The counts of `count_states`, by flavour."""
    collected.run(0, MINUTE, flavour="cpu")
    connection = collected.read()
    rows = rows_of(flavours(connection, collected.shown, NOW))
    counts = {(one.group, one.state): one.jobs for one in count_states(connection, "flavour")}
    assert [(row["flavour"], row["running"], row["pending"]) for row in rows] == [("cpu", 1, 0), ("gpu", 0, 9)]
    assert counts["cpu", "running"] == 1


def test_blocks_with_trouble_come_first(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not all are shown, the sentence says so."""
    collected.campaign.folder.manifest.unlink()
    collected.campaign.plan(40)
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200, exit_class="worker" if job == 3 else "done")
    connection = collected.read()
    panel = blocks(connection, collected.shown, NOW)
    assert [row["block"] for row in rows_of(panel)] == [0, 1, 2, 3]
    assert (rows_of(panel)[0]["failed"], rows_of(panel)[0]["done_share"]) == (1, 0.9)
    assert panel.lead == "1 of 4 blocks are through."
    monkeypatch.setattr(blocks_module, "MOST_ROWS", 3)
    cut = blocks(connection, collected.shown, NOW)
    assert len(rows_of(cut)) == 3
    assert "1 more are not" in cut.lead


def test_nothing_yet(collected: Collected) -> None:
    """Before the first job there is nothing to draw, and every job is counted."""
    connection = collected.read()
    panel = states(connection, collected.shown, MINUTE)
    assert panel.lead == "Of 10 jobs, 10 are not in the queue yet."
    assert rows_of(states_table(connection, collected.shown, MINUTE))[0]["pending"] == 10
    assert states(connection, collected.shown, MINUTE, "FNAL").lead == ""


def test_a_finished_campaign_is_drawn_until_its_end(collected: Collected) -> None:
    """Weeks later the plot is no longer than the campaign was."""
    for job in range(10):
        collected.run(job, MINUTE)
        collected.end(job, MINUTE + 200)
    content = states(collected.read(), collected.shown, MINUTE + 30 * 86400).content
    assert isinstance(content, Plot)
    assert content.starts[-1] <= MINUTE + 400
    assert {line.key: line.values[-1] for line in content.lines}["done"] == 10
