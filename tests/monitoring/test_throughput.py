"""Rates, spreads and speed-up against numbers that can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitoring.reporting.collect_records import collect_records
from monitoring.throughput import group_rows, median_interval, ratio_of_medians, speed_ups, stage_rows

if TYPE_CHECKING:
    from monitoring.attempts import Attempts
    from tests.builders.campaign import CampaignBuilder


def _attempts(campaign: CampaignBuilder) -> Attempts:
    return collect_records(campaign.folder, None).attempts


def test_a_row_per_flavour_and_site(campaign: CampaignBuilder) -> None:
    """Every rate of a row follows from its records: 5 events in 100 s, 8000 hits in 80 s, 125 MB in 100 s."""
    for job in range(3):
        campaign.attempt(job)
    campaign.attempt(3, site="CERN")
    campaign.attempt(4, flavour="cpu", cpu_s=104.5)
    rows = {(row.flavour, row.site): row for row in group_rows(_attempts(campaign))}
    assert list(rows) == [("gpu", "CERN"), ("gpu", "FNAL"), ("cpu", "FNAL")]
    row = rows["gpu", "FNAL"]
    assert (row.jobs, row.events, row.hits) == (3, 15, 24000)
    assert row.seconds_per_event is not None
    assert row.patches_per_s is not None
    assert row.sent_mbps_per_job is not None
    assert row.seconds_per_event.value == pytest.approx(20.0)
    assert row.patches_per_s.value == pytest.approx(100.0)
    assert row.sent_bytes_per_event == pytest.approx(25e6)
    assert row.received_bytes_per_event == pytest.approx(25_600)
    assert row.sent_mbps_per_job.value == pytest.approx(10.0)
    assert row.cpu_efficiency == pytest.approx(0.5)
    cpu = rows["cpu", "FNAL"]
    assert cpu.sent_bytes_per_event is None
    assert cpu.sent_mbps_per_job is None
    assert cpu.cpu_efficiency == pytest.approx(0.95)


def test_jobs_without_events_or_time_do_not_divide_by_zero(campaign: CampaignBuilder) -> None:
    """A job of no hits, of no events, or whose clock was set back leaves gaps, not infinities."""
    campaign.attempt(0, events=0, hits=0, bytes_sent=0, inference_s=0.0)
    campaign.attempt(1, started=1000.0, ended=900.0)
    for row in group_rows(_attempts(campaign)):
        assert row.seconds_per_event is not None
        assert np.isfinite(row.seconds_per_event.high)
    assert all(np.isfinite(row.wall_s) for row in stage_rows(_attempts(campaign)))


def test_speed_up_is_the_ratio_on_the_same_cpu(campaign: CampaignBuilder) -> None:
    """20 s against 60 s per event is a factor of 3 with an interval around it; a CPU with one flavour has no row."""
    for job in range(20):
        campaign.attempt(job, wall_s=110.0 + job % 3)
        campaign.attempt(20 + job, flavour="cpu", wall_s=310.0 + job % 5, inference_s=240.0)
    campaign.attempt(50, cpu_model="Intel(R) Xeon(R) E5-2680")
    (row,) = speed_ups(_attempts(campaign))
    assert row.cpu_model == "AMD EPYC 7543 32-Core Processor"
    assert (row.jobs_gpu, row.jobs_cpu) == (20, 20)
    assert row.event is not None
    assert row.inference is not None
    assert row.event.value == pytest.approx(302 / 101, rel=0.01)
    assert row.event.low < row.event.value < row.event.high
    assert row.inference.value == pytest.approx(3.0)


def test_two_jobs_have_no_error_and_so_no_speed_up(campaign: CampaignBuilder) -> None:
    """Fewer than three jobs of a flavour give medians to read, but no ratio that claims an error."""
    campaign.attempt(0)
    campaign.attempt(1, flavour="cpu")
    (row,) = speed_ups(_attempts(campaign))
    assert row.event is None
    assert row.gpu_s == pytest.approx(20.0)


@pytest.mark.parametrize("n", [5, 20, 101])
def test_median_interval_covers_the_truth_two_times_of_three(n: int) -> None:
    """The 68 % interval of a median holds the true median of a skewed distribution in 68 % of cases or a bit more."""
    generator = np.random.default_rng(n)
    samples = generator.lognormal(0.0, 0.7, (2000, n))
    intervals = [median_interval(sample) for sample in samples]
    covered = np.mean([interval is not None and interval.low <= 1.0 <= interval.high for interval in intervals])
    assert 0.66 <= covered <= 0.95


def test_ratio_of_medians_has_asymmetric_errors() -> None:
    """The upper error is not the lower one where the spread is not symmetric, and a ratio to zero is none."""
    generator = np.random.default_rng(1)
    ratio = ratio_of_medians(generator.lognormal(1.0, 0.5, 200), generator.lognormal(0.0, 0.5, 200))
    assert ratio is not None
    assert ratio.value == pytest.approx(np.e, rel=0.2)
    assert ratio.low < ratio.value < ratio.high
    assert ratio_of_medians(np.ones(5), np.zeros(5)) is None


def test_stages_are_means_per_event(campaign: CampaignBuilder) -> None:
    """Stages are summed over the jobs of a flavour and CPU model and shared among their events."""
    campaign.attempt(0)
    campaign.attempt(1, inference_s=120.0)
    (row,) = stage_rows(_attempts(campaign))
    assert row.inference_s == pytest.approx(20.0)
    assert row.startup_s == pytest.approx(2.0)
    assert row.wall_s == pytest.approx(22.0)
