"""A job's life is its events in the log of its block, whatever else stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.panels.job_life import job_life
from monitoring.panels.job_rates import job_events, job_rates
from monitoring.panels.panel import Plot, Table
from tests.builders.campaign_life import a_heartbeat
from tests.builders.collected import MINUTE

if TYPE_CHECKING:
    from tests.builders.collected import Collected


def test_a_life(collected: Collected) -> None:
    """Its own events alone, oldest first, heartbeats in a row as one line, across two clusters."""
    collected.run(0, MINUTE)
    collected.run(1, MINUTE)
    collected.log.told(7, 0, a_heartbeat(0, total_events=4).encode())
    collected.log.evicted(7, 0)
    collected.log.at = MINUTE + 100
    collected.log.submitted(12, 5, job=0)
    collected.log.executing(12, 5)
    collected.log.held(12, 5, "<img src=x>")
    panel = job_life(collected.read(), collected.shown, MINUTE + 200, 0)
    assert isinstance(panel.content, Table)
    assert [row[1:] for row in panel.content.rows] == [
        ("came into the queue", None, "7.0"),
        ("began to run", "slot1@worker", "7.0"),
        ("was heard of", "2 heartbeats until then, 4 events done in this attempt", "7.0"),
        ("was sent back to the queue", None, "7.0"),
        ("came into the queue", None, "12.5"),
        ("began to run", "slot1@worker", "12.5"),
        ("was held", "<img src=x>", "12.5"),
    ]
    assert panel.lead == "It began to run 2 times."


def test_no_life_yet(collected: Collected) -> None:
    """A job of a block that was not submitted has none, and no plot."""
    connection = collected.read()
    panel = job_life(connection, collected.shown, MINUTE, 0)
    assert isinstance(panel.content, Table)
    assert panel.content.rows == ()
    assert "not there; HTCondor writes it" in panel.lead
    for plot in (job_rates, job_events):
        content = plot(connection, collected.shown, MINUTE, 0).content
        assert isinstance(content, Plot)
        assert (content.starts, content.empty) == ((), "No heartbeat of this job yet.")


def test_rates_are_those_of_the_heartbeats(collected: Collected) -> None:
    """A heartbeat's minute is its bin; over all bins the plot has the bytes and events that were told."""
    collected.run(0, MINUTE, bytes_sent=60_000_000, events=3)
    collected.log.at = MINUTE + 150
    collected.log.told(7, 0, a_heartbeat(0, bytes_sent=30_000_000, events=1).encode())
    connection = collected.read()
    rates = job_rates(connection, collected.shown, MINUTE + 200, 0).content
    events = job_events(connection, collected.shown, MINUTE + 200, 0)
    assert isinstance(rates, Plot)
    assert isinstance(events.content, Plot)
    assert list(rates.starts) == [MINUTE, MINUTE + 60, MINUTE + 120]
    sent, share = rates.lines
    assert sent.values == pytest.approx((8.4, 2.1, 2.1))
    assert share.values == (12.5, 12.5, 12.5)
    assert sum(value or 0.0 for value in events.content.lines[0].values) * 60 == pytest.approx(4)
    assert events.lead == "4 events in all of its attempts, one every 30.0 s."
