"""Counts of jobs add up to the campaign, now and at every moment before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.bins import Span, bins_of
from monitoring.live.states import campaign_began, count_states, states_over_time
from tests.builders.campaign import START

if TYPE_CHECKING:
    from tests.builders.collected import Collected

MINUTE = START - START % 60


def test_counts_are_those_of_the_manifest(collected: Collected) -> None:
    """Whatever jobs are told apart by, all counts together are the jobs and events of the manifest."""
    collected.run(0, MINUTE)
    collected.run(1, MINUTE, site="CERN")
    collected.end(0, MINUTE + 200)
    connection = collected.read()
    for by in ("", "site", "flavour", "block"):
        counts = count_states(connection, by)
        assert sum(count.jobs for count in counts) == 10
        assert sum(count.events for count in counts) == 50
    by_site = {(count.group, count.state): count.jobs for count in count_states(connection, "site")}
    assert by_site == {("", "pending"): 8, ("FNAL", "done"): 1, ("CERN", "running"): 1}


def test_the_past_is_known_to_a_collector_that_comes_late(collected: Collected) -> None:
    """Each bin has the counts at its end, as the event log has them, and the site that was heard of later."""
    collected.run(0, MINUTE)
    collected.end(0, MINUTE + 130)
    connection = collected.read()
    assert campaign_began(connection) == MINUTE
    bins = bins_of(Span(MINUTE - 60, MINUTE + 239), now=MINUTE + 10 * 86400)
    assert (bins.bin_s, len(bins.starts)) == (60, 5)
    series = {(one.group, one.state): one.jobs for one in states_over_time(connection, bins, "site")}
    assert series == {
        ("", "pending"): (10, 9, 9, 9, 9),
        ("FNAL", "running"): (0, 1, 1, 0, 0),
        ("FNAL", "done"): (0, 0, 0, 1, 1),
    }
    assert [one.jobs for one in states_over_time(connection, bins, "block") if one.state == "running"] == [
        (0, 1, 1, 0, 0)
    ]
