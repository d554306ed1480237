"""The report as a whole: what it says of a campaign in each stage of its life, and that its page is sound."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.planning.plan import RejectedInput
from jobs.results.validate import MissingJob, Validation
from monitoring.errors import NothingToReport
from monitoring.numbers import ReportNumbers
from monitoring.report import main, write_report
from monitoring.reporting.campaign_store import campaign_store
from monitoring.reporting.collect_records import collect_records
from monitoring.reporting.collect_state import collect_state
from monitoring.reporting.summary import summarize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.campaign import CampaignBuilder


def _validate(campaign: CampaignBuilder, missing: tuple[MissingJob, ...] = (), **changes: object) -> None:
    content: dict[str, object] = {
        "campaign": campaign.name,
        "digest": "d1g357",
        "complete": not missing,
        "jobs": campaign.jobs,
        "events_planned": 5 * campaign.jobs,
        "events": 5 * (campaign.jobs - len(missing)),
        "hits": 0,
        "failed": {},
        "missing": missing,
        "repeated": (),
        "contradictions": (),
        "leftovers": (),
        "rejected": (),
        **changes,
    }
    campaign.folder.validation.write_text(Validation.model_validate(content).model_dump_json())


def _numbers(campaign: CampaignBuilder) -> ReportNumbers:
    """Return the numbers without drawing the page."""
    state = collect_state(campaign.folder)
    collected = collect_records(campaign.folder, state.manifest_digest)
    with campaign_store(campaign.folder, state.campaign, len(collected.attempts)) as shown:
        return summarize(state, collected, shown)


def test_a_complete_campaign_says_so(campaign: CampaignBuilder) -> None:
    """Every job done and validated: complete, with the sums of all records."""
    campaign.plan(12)
    for job in range(12):
        campaign.attempt(job)
    campaign.outcome(0, {})
    campaign.outcome(1, {})
    _validate(campaign)
    headline = _numbers(campaign).headline
    assert headline.state == "complete"
    assert headline.validated
    assert (headline.jobs_done, headline.jobs_failed, headline.jobs_open) == (12, 0, 0)
    assert (headline.events_done, headline.events_planned) == (60, 60)
    assert headline.wall_hours == pytest.approx(12 * 110 / 3600)
    assert headline.cpu_hours == pytest.approx(12 * 55 / 3600)
    assert headline.sent_mb == pytest.approx(12 * 125)
    assert headline.elapsed_s == pytest.approx(11 * 10 + 110)


def test_half_way_the_report_works_and_says_so(campaign: CampaignBuilder) -> None:
    """With some jobs done, some failed for now and some not begun, the campaign is running, and nothing has failed."""
    campaign.plan(20)
    for job in range(7):
        campaign.attempt(job)
    campaign.attempt(7, exit_class="pool_away", error="pool:8001: no answer in 60 s")
    report = write_report(campaign.folder)
    headline = report.numbers.headline
    assert headline.state == "running"
    assert (headline.jobs_done, headline.jobs_failed, headline.jobs_open) == (7, 0, 13)
    assert "13 are still open" in headline.sentence
    assert "Running" in report.page.read_text()


def test_a_campaign_without_any_record_has_a_report(campaign: CampaignBuilder) -> None:
    """Between plan and the first record the page is there and shows what is planned."""
    campaign.plan(20)
    report = write_report(campaign.folder)
    assert report.numbers.timeline is None
    assert report.numbers.headline.jobs_open == 20
    assert "No job is done yet" in report.page.read_text()


def test_an_error_that_no_retry_helps_has_failed_at_once(campaign: CampaignBuilder) -> None:
    """A bad input is reported with its owner before the block is through."""
    campaign.plan(20)
    campaign.attempt(3, exit_class="bad_input", error="/data/raw_1.root: entry 7: NaN\nTraceback")
    (failed,) = _numbers(campaign).failed_jobs
    assert (failed.job, failed.exit_class, failed.who) == (3, "bad_input", "owner of the data")
    assert failed.error == "/data/raw_1.root: entry 7: NaN"
    assert (failed.input_file, failed.entry_start, failed.entry_stop) == ("/data/raw_1.root", 5, 10)


def test_outcomes_tell_of_jobs_without_a_record(campaign: CampaignBuilder) -> None:
    """A job that was killed before it could write a record is named with its input from the manifest."""
    campaign.plan(10)
    for job in range(9):
        campaign.attempt(job)
    campaign.outcome(0, {9: ("killed", "killed by signal 9")})
    numbers = _numbers(campaign)
    (lost,) = numbers.failed_jobs
    assert (lost.job, lost.exit_class, lost.who) == (9, "killed", "site administrators")
    assert (lost.input_file, lost.entry_start) == ("/data/raw_4.root", 5)
    assert numbers.headline.state == "incomplete"
    assert numbers.headline.sentence.startswith("Complete but for 1 of 10 jobs")
    assert [(kind.exit_class, kind.jobs_failed) for kind in numbers.failure_kinds] == [("killed", 1)]


def test_numbers_are_of_the_successful_attempt_and_others_are_retries(campaign: CampaignBuilder) -> None:
    """An attempt that was stopped and a second success count as time and traffic, not as jobs, events or hits."""
    campaign.plan(2)
    campaign.attempt(0, exit_class="stopped", wall_s=36.0)
    campaign.attempt(0, attempt=1, started=1_700_000_100.0)
    campaign.attempt(1)
    campaign.attempt(1, cluster=8, started=1_700_000_500.0, hits=9000)
    numbers = _numbers(campaign)
    assert (numbers.headline.jobs_done, numbers.headline.events_done) == (2, 10)
    assert numbers.headline.hits_done == 17000
    assert (numbers.retries.attempts, numbers.retries.jobs) == (2, 2)
    assert numbers.retries.wall_hours == pytest.approx((36 + 110) / 3600)
    assert numbers.headline.sent_mb == pytest.approx(4 * 125)
    assert sum(row.jobs for row in numbers.groups) == 2


def test_the_verdict_of_validate_counts(campaign: CampaignBuilder) -> None:
    """A job whose record says done but whose output is damaged is not counted as done."""
    campaign.plan(10)
    for job in range(10):
        campaign.attempt(job)
    campaign.outcome(0, {})
    lost = MissingJob(
        job=4,
        block=0,
        input_file="/data/raw_2.root",
        entry_start=0,
        entry_stop=5,
        exit_class="contradiction",
        reason="its output has another checksum",
        attempts=1,
    )
    _validate(campaign, (lost,), contradictions=("job 4: its output has another checksum",))
    numbers = _numbers(campaign)
    assert (numbers.headline.jobs_done, numbers.headline.jobs_failed) == (9, 1)
    assert numbers.failed_jobs[0].error == "its output has another checksum"
    assert numbers.contradictions == ("job 4: its output has another checksum",)


def test_a_verdict_older_than_the_records_does_not_count(campaign: CampaignBuilder) -> None:
    """When a campaign was taken up again, what `validate` found before is no longer the truth."""
    campaign.plan(10)
    lost = MissingJob(
        job=0, block=0, input_file="x", entry_start=0, entry_stop=5, exit_class="worker", reason="", attempts=1
    )
    _validate(campaign, (lost,))
    os.utime(campaign.folder.validation, (1_600_000_000, 1_600_000_000))
    for job in range(10):
        campaign.attempt(job)
    campaign.outcome(0, {})
    headline = _numbers(campaign).headline
    assert headline.jobs_failed == 0
    assert not headline.validated


def test_rejected_inputs_are_named(campaign: CampaignBuilder) -> None:
    """A file that the plan could not use keeps the campaign from being complete and is named with its error."""
    campaign.rejected.append(RejectedInput(path="/data/raw_9.root", reason="not a ROOT file"))
    campaign.plan(1)
    campaign.attempt(0)
    report = write_report(campaign.folder)
    assert report.numbers.headline.state == "incomplete"
    assert "1 input file was rejected" in report.numbers.headline.sentence
    assert "/data/raw_9.root" in report.page.read_text()


def test_the_json_holds_the_same_numbers(campaign: CampaignBuilder) -> None:
    """report.json reads back as exactly the numbers of the page."""
    campaign.plan(3)
    for job in range(3):
        campaign.attempt(job)
    report = write_report(campaign.folder)
    assert report.json == campaign.folder.root / "report.json"
    assert ReportNumbers.model_validate_json(report.json.read_bytes()) == report.numbers
    assert json.loads(report.json.read_text())["headline"]["jobs_done"] == 3


def test_a_folder_without_a_campaign_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong folder gets an error with a remedy and exit 2, and no file is left in it."""
    with pytest.raises(NothingToReport, match="sonicgrid submit"):
        write_report(CampaignFolder(tmp_path))
    assert main(["--folder", str(tmp_path / "nowhere")]) == 2
    assert "is no folder of a campaign" in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_the_rule_writes_the_page(campaign: CampaignBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    """The workflow's call writes page and JSON, says where, and leaves no temporary file."""
    campaign.plan(1)
    campaign.attempt(0)
    assert main(["--folder", str(campaign.folder.root)]) == 0
    assert str(campaign.folder.report) in capsys.readouterr().out
    names = {path.name for path in campaign.folder.root.iterdir()}
    assert names == {
        "manifest.parquet",
        "plan.json",
        "campaign.yaml",
        "blocks",
        "report.html",
        "report.json",
        "table.csv",
        "table.tex",
    }


def test_a_damaged_plan_is_an_error_and_keeps_the_old_page(campaign: CampaignBuilder) -> None:
    """A report that cannot be made does not destroy the one that is there."""
    campaign.plan(1)
    campaign.folder.report.write_text("old")
    campaign.folder.plan.write_text("{")
    with pytest.raises(CampaignError, match=r"plan\.json"):
        write_report(campaign.folder)
    assert campaign.folder.report.read_text() == "old"
