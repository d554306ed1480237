"""Rates over time are those of `live`, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import bins_of
from monitoring.live.rates import rates_over_time
from monitoring.panels import throughput as throughput_module
from monitoring.panels.jobs_per_hour import jobs_per_hour
from monitoring.panels.throughput import KEYS, throughput
from tests.builders.collected import MINUTE
from tests.builders.panel_rows import lines_of, plot_of

if TYPE_CHECKING:
    from tests.builders.collected import Collected

NOW = MINUTE + 375

_NAMES = {
    "throughput": "events_per_s",
    "hits-per-s": "hits_per_s",
    "sent-mbps": "sent_mbps",
    "mbps-per-job": "sent_mbps_per_job",
    "pressure": "paced_share",
}


def three_sites(collected: Collected) -> None:
    """One job a site, for a minute each."""
    for job, site in enumerate(("FNAL", "CERN", "BNL")):
        collected.run(job, MINUTE, site=site, events=6 - job, bytes_sent=1_000_000 * (3 - job))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("site", ["", "CERN"])
def test_the_lines_are_the_rates(collected: Collected, key: str, site: str) -> None:
    """By site for a campaign, by flavour at one site; what is not complete is left out."""
    three_sites(collected)
    connection = collected.read()
    panel = throughput(connection, collected.shown, NOW, key, site)
    plot = plot_of(panel)
    bins = bins_of(collected.shown.span(connection, NOW), NOW)
    assert panel.key == key
    assert plot.starts == bins.starts
    assert sorted(lines_of(panel)) == (["gpu"] if site else ["BNL", "CERN", "FNAL"])
    rates = {series.group: series.rates for series in rates_over_time(connection, bins, "site")}
    for group, line in lines_of(panel).items():
        for start, value, rate in zip(bins.starts, line.values, rates[site or group], strict=True):
            wanted = getattr(rate, _NAMES[key]) if start + bins.bin_s <= MINUTE + 300 else None
            assert value == (None if wanted is None else pytest.approx(wanted))
    assert plot.stacked == (key in ("throughput", "hits-per-s", "sent-mbps"))


def test_many_sites_do_not_crowd_a_plot(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest have a line, and the others one together; a share of time cannot be summed."""
    three_sites(collected)
    monkeypatch.setattr(throughput_module, "MOST_LINES", 1)
    connection = collected.read()
    panel = throughput(connection, collected.shown, NOW)
    assert list(lines_of(panel)) == ["FNAL", "others"]
    assert lines_of(panel)["others"].values[0] == pytest.approx((5 + 4) / 60)
    assert "the others are summed" in panel.lead
    assert list(lines_of(throughput(connection, collected.shown, NOW, "mbps-per-job"))) == ["FNAL"]


def test_the_sentence_tells_the_last_whole_minute(collected: Collected) -> None:
    """With the sites that most came from."""
    three_sites(collected)
    connection = collected.read()
    assert throughput(connection, collected.shown, MINUTE + 135).lead == (
        "0.25 events/s now; most came from FNAL and CERN."
    )
    assert throughput(connection, collected.shown, MINUTE + 135, site="CERN").lead == "0.0833 events/s now."


@pytest.mark.parametrize("key", KEYS)
def test_nothing_yet(collected: Collected, key: str) -> None:
    """A campaign of which nothing was heard has no line."""
    panel = throughput(collected.read(), collected.shown, MINUTE, key)
    assert (plot_of(panel).lines, panel.lead) == ((), "No job has told of its work in the last whole minute.")


def test_jobs_per_hour(collected: Collected) -> None:
    """Attempts that ended, by their records, the failed ones apart; the bin of now is not complete."""
    three_sites(collected)
    collected.end(0, MINUTE + 130)
    collected.end(1, MINUTE + 130, site="CERN", exit_class="worker")
    connection = collected.read()
    lines = lines_of(jobs_per_hour(connection, collected.shown, MINUTE + 200))
    assert [lines[name].values for name in ("jobs_per_h", "failures_per_h")] == [(0, 0, 60, None)] * 2
    assert lines_of(jobs_per_hour(connection, collected.shown, MINUTE + 200, "FNAL"))["failures_per_h"].values[2] == 0
    lead = jobs_per_hour(connection, collected.shown, MINUTE + 200).lead
    assert lead.startswith("1 job was done in the last hour, and 1 attempt failed")


def test_no_attempt_has_ended(collected: Collected) -> None:
    """Nothing is drawn, and the sentence says why."""
    panel = jobs_per_hour(collected.read(), collected.shown, MINUTE)
    assert (plot_of(panel).lines, panel.lead) == ((), "No attempt has ended in the last hour.")
