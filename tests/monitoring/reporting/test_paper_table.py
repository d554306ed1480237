"""The table for a paper: what its numbers are, and that its files can be used as they are."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from monitoring.collect import Collector
from monitoring.live.server_work import server_s_per_event
from monitoring.numbers import Interval, PaperRow, PaperTable
from monitoring.report import write_report
from monitoring.reporting.write_table import to_csv, to_tex
from monitoring.store.open import transaction
from tests.builders.campaign import START
from tests.builders.collected import MINUTE, site_state

if TYPE_CHECKING:
    from tests.builders.campaign import CampaignBuilder
    from tests.builders.collected import Collected

PLAIN = PaperRow(
    site="FNAL",
    jobs=1234,
    events=12340,
    attempts_failed=5,
    jobs_failed=1,
    wall_hours=123.456,
    cpu_hours=61.7,
    mean_mbps=812.3,
    peak_mbps=987.6,
    mean_of_budget=0.81,
    peak_of_budget=0.99,
    speed_up=Interval(value=2.7183, low=2.6183, high=2.8483),
    cpu_threads_per_gpu=Interval(value=68.4, low=67.0, high=70.0),
    requests=45678,
    sent_bytes_per_event=340_123.0,
)


def _table(**changes: object) -> PaperTable:
    row = PLAIN.model_copy(update=changes)
    return PaperTable(rows=(row,), total=row.model_copy(update={"site": "all"}), gpu_s_per_event=1.77)


def test_sums_are_those_of_the_records(campaign: CampaignBuilder) -> None:
    """Rows add up to the total, and the total agrees with the headline."""
    campaign.plan(12)
    for job in range(10):
        campaign.attempt(job, site="CERN" if job % 2 else "FNAL")
    campaign.attempt(10, site="CERN", exit_class="bad_input", error="NaN")
    numbers = write_report(campaign.folder).numbers
    paper, headline = numbers.paper, numbers.headline
    assert [row.site for row in paper.rows] == ["CERN", "FNAL"]
    for name in ("jobs", "events", "attempts_failed", "jobs_failed", "wall_hours", "cpu_hours", "requests"):
        assert sum(getattr(row, name) for row in paper.rows) == pytest.approx(getattr(paper.total, name))
    assert (paper.total.jobs, paper.total.events) == (headline.jobs_done, headline.events_done)
    assert (paper.total.wall_hours, paper.total.cpu_hours) == (headline.wall_hours, headline.cpu_hours)
    assert (paper.total.attempts_failed, paper.total.jobs_failed) == (1, headline.jobs_failed)
    assert paper.total.sent_bytes_per_event == 25_000_000


def test_speed_up_is_of_like_with_like(campaign: CampaignBuilder) -> None:
    """A site whose cpu jobs ran on slow CPUs alone does not look faster: each CPU model is compared with itself."""
    campaign.plan(40)
    for job in range(10):
        campaign.attempt(job, cpu_model="fast", wall_s=60.0 + job / 10)
        campaign.attempt(10 + job, cpu_model="fast", flavour="cpu", wall_s=110.0 + job / 5)
        campaign.attempt(20 + job, cpu_model="slow", flavour="cpu", wall_s=1000.0)
    speed_up = write_report(campaign.folder).numbers.paper.total.speed_up
    assert speed_up is not None
    assert speed_up.value == pytest.approx(2.0, abs=0.05)
    assert speed_up.low < speed_up.value < speed_up.high


def test_links_against_their_budget(collected: Collected) -> None:
    """Mean by the records, peak by the heartbeats, each over the budget that was in force then."""
    collected.in_force({"FNAL": {}})
    collected.decide(START, FNAL=site_state(budget_mbps=100.0))
    collected.run(0, MINUTE, bytes_sent=60_000_000 * 10)
    collected.end(0, MINUTE + 100)
    numbers = write_report(collected.campaign.folder).numbers
    (row,) = numbers.paper.rows
    assert row.mean_mbps == pytest.approx(125 * 8 * 1.05 / 100)
    assert row.mean_of_budget == pytest.approx(0.105)
    assert row.peak_mbps == pytest.approx(84.0)
    assert row.peak_of_budget == pytest.approx(0.84)
    assert numbers.paper.total.mean_of_budget is None


def test_cpu_threads_per_gpu(collected: Collected) -> None:
    """Time per event in a job over the servers' busy time per event; a run of many requests counts once."""
    for job in range(3):
        collected.run(job, MINUTE, events=10)
        collected.end(job, MINUTE + 100)
    collector = Collector(collected.campaign.folder, collected.store, embedded_pool=False)
    collector.catch_up()
    grown = {
        "nv_inference_request_success": 600.0,
        "nv_inference_exec_count": 60.0,
        "nv_inference_compute_infer_duration_us": 600 * 25_000.0,
    }
    with transaction(collector.connection):
        for number, (metric, value) in enumerate(grown.items()):
            collector.connection.execute("INSERT INTO series VALUES (?, 's', ?, '', 'counter')", (number, metric))
            for at, total in ((MINUTE, 7.0), (MINUTE + 120, 7.0 + value)):
                collector.connection.execute("INSERT INTO samples VALUES (?, ?, ?)", (number, at, total))
    assert server_s_per_event(collector.connection) == pytest.approx(60 * 0.025 / 30)
    collector.close()


def test_the_csv_reads_back() -> None:
    """One column for each number, empty where there is none; a name that looks like a formula is none."""
    table = _table(site='=1+1,"x"', speed_up=None, mean_mbps=None)
    row, total = csv.DictReader(io.StringIO(to_csv(table)))
    assert row["site"] == '\'=1+1,"x"'
    assert (row["jobs"], row["wall_hours"]) == ("1234", "123")
    assert row["speed_up"] == row["speed_up_error_up"] == row["mean_mbps"] == ""
    assert row["cpu_threads_per_gpu"] == "68.4"
    assert total["site"] == "all"


def test_the_latex_is_escaped_and_whole() -> None:
    """Names with signs of TeX are shown as they are, and each row has as many cells as the head has columns."""
    lines = to_tex(_table(site="A_B & 50% $x$ \\q{~^}"), "a\nb").splitlines()
    body = [line for line in lines if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in body} == {11}
    assert r"A\_B \& 50\% \$x\$ \textbackslash{}q\{\textasciitilde{}\textasciicircum{}\}" in body[2]
    assert "$2.72^{+0.13}_{-0.10}$" in body[2]
    assert r"12\,340" in body[2]
    assert sum(line.startswith(("\\toprule", "\\midrule", "\\bottomrule")) for line in lines) == 4
    assert "a b" in lines[0]


def test_the_files_are_beside_the_report(campaign: CampaignBuilder) -> None:
    """table.csv and table.tex hold the table of the page."""
    campaign.plan(2)
    campaign.attempt(0)
    numbers = write_report(campaign.folder).numbers
    assert campaign.folder.report_table.read_text() == to_csv(numbers.paper)
    assert campaign.folder.report_table_tex.read_text() == to_tex(numbers.paper, campaign.name)
