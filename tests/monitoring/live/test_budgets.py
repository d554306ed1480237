"""The budget of a link is known as it was at each time, whoever changed it and however."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import Span, bins_of
from monitoring.live.budgets import budgets_of, edits_about
from tests.builders.collected import MINUTE, site_state

if TYPE_CHECKING:
    from tests.builders.collected import Collected

BINS = bins_of(Span(MINUTE, MINUTE + 299), now=MINUTE + 10 * 86400)


def test_a_site_had_the_budgets_that_the_throttle_kept_to(collected: Collected) -> None:
    """The first one counts before, too; a bin in which it changed has the mean."""
    collected.in_force({"FNAL": {}})
    collected.decide(MINUTE + 60, FNAL=site_state(budget_mbps=160.0))
    collected.decide(MINUTE + 90, FNAL=site_state(budget_mbps=160.0, admitted=9))
    collected.decide(MINUTE + 150, FNAL=site_state(budget_mbps=100.0))
    found = budgets_of(collected.read(), "FNAL", shared=False)
    assert list(found.mbps) == [160, 100]
    assert found.in_bins(BINS) == pytest.approx((160, 160, 130, 100, 100))


def test_an_edit_counts_before_the_throttle_has_looked(collected: Collected) -> None:
    """What is in force is drawn from the edit on."""
    collected.in_force({"FNAL": {}})
    collected.decide(MINUTE, FNAL=site_state(budget_mbps=160.0))
    collected.edit(MINUTE + 180, "FNAL", "campaign_share", "80 %", "50 %")
    found = budgets_of(collected.read(), "FNAL", shared=False)
    assert found.in_bins(BINS) == pytest.approx((160, 160, 160, 100, 100))


def test_a_shared_link_is_taken_back_edit_by_edit(collected: Collected) -> None:
    """Rate and share are multiplied as they were, through a time in which the link was closed."""
    collected.in_force({"FNAL": {"shared_links": ["wan"]}}, wan={"rate": "400 Mb/s", "campaign_share": "50 %"})
    collected.edit(MINUTE + 60, "links", "shared_links.wan.rate", "1 Gb/s", "400 Mb/s")
    collected.edit(MINUTE + 120, "links", "shared_links.wan.campaign_share", "80 %", "0 %")
    collected.edit(MINUTE + 180, "links", "shared_links.wan.campaign_share", "0 %", "50 %")
    found = budgets_of(collected.read(), "wan", shared=True)
    assert found.in_bins(BINS) == pytest.approx((800, 320, 0, 200, 200))


def test_two_keys_that_were_changed_together(collected: Collected) -> None:
    """No moment in between is made up."""
    collected.in_force({}, wan={"rate": "400 Mb/s", "campaign_share": "50 %"})
    for key, before, after in (("rate", "1 Gb/s", "400 Mb/s"), ("campaign_share", "10 %", "50 %")):
        collected.edit(MINUTE + 60, "links", f"shared_links.wan.{key}", before, after)
    assert budgets_of(collected.read(), "wan", shared=True).mbps == (100, 200)


def test_a_link_that_was_not_there_had_no_budget(collected: Collected) -> None:
    """Before it was set there is nothing, not 0."""
    collected.in_force({}, wan={"rate": "400 Mb/s", "campaign_share": "50 %"})
    collected.edit(MINUTE + 120, "links", "shared_links.wan.rate", "", "400 Mb/s")
    found = budgets_of(collected.read(), "wan", shared=True)
    assert found.in_bins(BINS) == (None, None, 200, 200, 200)


def test_nothing_is_known_of_a_site_without_site_config(collected: Collected) -> None:
    """A site that only heartbeats name has no budget."""
    collected.run(0, MINUTE, site="Nowhere")
    assert budgets_of(collected.read(), "Nowhere", shared=False).in_bins(BINS) == (None,) * 5


def test_edits_are_told_apart_by_what_they_are_about(collected: Collected) -> None:
    """Those of a site's shared links are its own, too, and no others."""
    collected.in_force({"FNAL": {"shared_links": ["wan"]}, "CERN": {}}, wan={"rate": "1 Gb/s"}, lhc={"rate": "1 Gb/s"})
    collected.edit(MINUTE, "FNAL", "uplink", "1 Gb/s", "200 Mb/s")
    collected.edit(MINUTE + 1, "CERN", "uplink", "1 Gb/s", "200 Mb/s")
    collected.edit(MINUTE + 2, "links", "shared_links.wan.rate", "2 Gb/s", "1 Gb/s")
    collected.edit(MINUTE + 3, "links", "shared_links.lhc.rate", "2 Gb/s", "1 Gb/s")
    connection = collected.read()
    assert [edit.at - MINUTE for edit in edits_about(connection)] == [3, 2, 1, 0]
    assert [edit.at - MINUTE for edit in edits_about(connection, "FNAL")] == [2, 0]
    assert [edit.at - MINUTE for edit in edits_about(connection, "CERN")] == [1]
    assert [edit.at - MINUTE for edit in edits_about(connection, "lhc", shared=True)] == [3]
