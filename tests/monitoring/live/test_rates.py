"""Rates are sums over time: of heartbeats for what runs, of records for what has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import Span, bins_of
from monitoring.live.rates import rates_in, rates_over_time
from tests.builders.campaign import START

if TYPE_CHECKING:
    from tests.builders.collected import Collected

MINUTE = START - START % 60


def test_rates_of_a_minute(collected: Collected) -> None:
    """Two jobs at two sites, a minute each: rates by site, and of all."""
    collected.run(0, MINUTE, events=6, hits=9000, bytes_sent=60_000_000, paced_s=30.0)
    collected.run(1, MINUTE, site="CERN", events=3, hits=300, bytes_sent=0, paced_s=0.0)
    connection = collected.read()
    minute = Span(MINUTE, MINUTE + 60)
    fnal, cern = (rates_in(connection, minute, "site")[site] for site in ("FNAL", "CERN"))
    assert fnal.events_per_s == pytest.approx(0.1)
    assert fnal.hits_per_s == pytest.approx(150)
    assert fnal.sent_mbps == pytest.approx(8.4)
    assert fnal.sent_mbps_per_job == pytest.approx(8.4)
    assert fnal.paced_share == pytest.approx(0.5)
    assert cern.sent_mbps == 0
    assert cern.running == pytest.approx(1)
    assert rates_in(connection, minute)[""].events_per_s == pytest.approx(0.15)


def test_heartbeats_and_records_are_not_added(collected: Collected) -> None:
    """Jobs/h and CPU efficiency are of attempts that ended, events/s of what jobs said while they ran."""
    collected.run(0, MINUTE, events=5)
    collected.end(0, MINUTE + 119, cpu_s=25.0)
    connection = collected.read()
    bins = bins_of(Span(MINUTE, MINUTE + 119), now=MINUTE + 10 * 86400)
    (series,) = rates_over_time(connection, bins)
    assert [rates.events_per_s for rates in series.rates] == pytest.approx([5 / 60, 0])
    assert [rates.jobs_per_h for rates in series.rates] == [0, 60]
    assert series.rates[1].cpu_efficiency == pytest.approx(0.25)


def test_fine_bins_of_the_last_day(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has just been is there in bins of ten seconds."""
    monkeypatch.setattr("monitoring.collecting.follow_blocks.time.time", lambda: MINUTE + 300)
    collected.run(0, MINUTE, events=6)
    bins = bins_of(Span(MINUTE, MINUTE + 59), now=MINUTE + 300)
    assert bins.bin_s == 10
    (series,) = rates_over_time(collected.read(), bins)
    assert [rates.events_per_s for rates in series.rates] == pytest.approx([0.1] * 6)
