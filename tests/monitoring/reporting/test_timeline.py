"""The campaign over time: nothing that happened is lost in the bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.reporting.collect_records import collect_records
from monitoring.reporting.timeline import timeline

if TYPE_CHECKING:
    from monitoring.numbers import Flow, Timeline
    from tests.builders.campaign import CampaignBuilder


def _timeline(campaign: CampaignBuilder) -> Timeline:
    attempts = collect_records(campaign.folder, None).attempts
    made = timeline(attempts, attempts.where(attempts.done).one_per_job())
    assert made is not None
    return made


def _total(flows: tuple[Flow, ...]) -> float:
    return sum(value or 0.0 for flow in flows for value in flow.values)


def test_bins_hold_every_job_event_byte_and_second(campaign: CampaignBuilder) -> None:
    """Sums over the bins are the sums over the records: jobs, events, job time, bits."""
    for job in range(40):
        campaign.attempt(job, site="CERN" if job % 4 else "FNAL", flavour="cpu" if job % 5 == 0 else "gpu")
    made = _timeline(campaign)
    minutes = made.bin_s / 60
    assert _total(made.jobs_per_minute) * minutes == pytest.approx(40)
    assert _total(made.events_per_minute) * minutes == pytest.approx(200)
    assert _total(made.jobs_running) * made.bin_s == pytest.approx(40 * 110)
    assert _total(made.sent_mbps) * made.bin_s == pytest.approx(32 * 1000)
    assert [flow.name for flow in made.sent_mbps] == ["CERN", "FNAL"]


def test_failed_attempts_load_the_network_but_are_no_progress(campaign: CampaignBuilder) -> None:
    """Bytes of an attempt that failed count as sent; its job does not count as done."""
    campaign.attempt(0)
    campaign.attempt(1, exit_class="pool_away")
    made = _timeline(campaign)
    assert _total(made.sent_mbps) * made.bin_s == pytest.approx(2000)
    assert _total(made.jobs_per_minute) * made.bin_s / 60 == pytest.approx(1)


@pytest.mark.parametrize("span_s", [0.0, 3.0, 5000.0, 3e6, 1e9])
def test_any_length_of_campaign_fits(campaign: CampaignBuilder, span_s: float) -> None:
    """From one instant to decades, the bins cover the whole time and are few enough for a plot."""
    campaign.attempt(0, started=1000.0, ended=1000.0)
    campaign.attempt(1, started=1000.0, ended=1000.0 + span_s)
    made = _timeline(campaign)
    bins = len(made.sent_bytes_per_event.values)
    assert 1 <= bins <= 62
    assert made.start <= 1000.0
    assert made.start + bins * made.bin_s >= 1000.0 + span_s
    assert _total(made.jobs_per_minute) * made.bin_s / 60 == pytest.approx(2)


def test_no_attempt_has_no_timeline(campaign: CampaignBuilder) -> None:
    """Without records there is nothing to bin."""
    attempts = collect_records(campaign.folder, None).attempts
    assert timeline(attempts, attempts) is None
