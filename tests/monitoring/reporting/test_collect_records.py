"""The records of a campaign become columns, whatever else lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitoring.reporting.collect_records import collect_records

if TYPE_CHECKING:
    from tests.builders.campaign import CampaignBuilder


def test_every_attempt_of_every_block_is_one_row(campaign: CampaignBuilder) -> None:
    """Records of all blocks are read, each with its own numbers."""
    campaign.plan(25)
    for job in range(25):
        campaign.attempt(job, hits=100 + job)
    campaign.attempt(3, attempt=1, hits=7)
    attempts = collect_records(campaign.folder, None).attempts
    assert len(attempts) == 26
    assert sorted(set(attempts.block.tolist())) == [0, 1, 2]
    assert int(attempts.hits.sum()) == sum(100 + job for job in range(25)) + 7


def test_no_blocks_folder_is_no_record(campaign: CampaignBuilder) -> None:
    """A campaign that was planned and never submitted has no records, and that is not an error."""
    collected = collect_records(campaign.plan(5).folder, None)
    assert len(collected.attempts) == 0
    assert len(collected.attempts.one_per_job()) == 0


def test_broken_and_foreign_records_are_counted_and_left_out(campaign: CampaignBuilder) -> None:
    """A truncated record and one of an earlier plan do not spoil the numbers, and are not kept secret."""
    campaign.plan(4)
    good = campaign.attempt(0)
    campaign.attempt(1, manifest_digest="another")
    records = campaign.folder.block(0).records
    (records / "0000002.7.0.json").write_text(good.model_dump_json()[:100])
    collected = collect_records(campaign.folder, good.manifest_digest)
    assert collected.attempts.job.tolist() == [0]
    assert [path.name for path in collected.unreadable] == ["0000002.7.0.json"]
    assert collected.foreign == 1


def test_files_being_written_are_not_records(campaign: CampaignBuilder) -> None:
    """A temporary file of a payload at work is neither a record nor a broken one."""
    campaign.plan(2)
    campaign.attempt(0)
    (campaign.folder.block(0).records / ".0000001.7.0.json.x1y2").write_text("{")
    (campaign.folder.block(0).records / "0000001.7.0.json.tmp").write_text("{")
    collected = collect_records(campaign.folder, None)
    assert len(collected.attempts) == 1
    assert collected.unreadable == ()


def test_the_last_attempt_of_each_job_wins(campaign: CampaignBuilder) -> None:
    """One row per job, ordered by job, and the row is the one that ended last, in whatever order files are found."""
    campaign.plan(3)
    campaign.attempt(2, attempt=0, started=100.0, ended=200.0, hits=1)
    campaign.attempt(2, attempt=1, started=300.0, ended=400.0, hits=2)
    campaign.attempt(2, cluster=9, attempt=0, started=500.0, ended=600.0, hits=3)
    campaign.attempt(0, hits=4)
    last = collect_records(campaign.folder, None).attempts.one_per_job()
    assert last.job.tolist() == [0, 2]
    assert last.hits.tolist() == [4, 3]


def test_errors_are_kept_for_attempts_that_failed(campaign: CampaignBuilder) -> None:
    """The error's text and its input can be found again for a failed attempt, and only for those."""
    campaign.plan(2)
    campaign.attempt(0)
    campaign.attempt(1, exit_class="bad_input", error="/data/raw_0.root: entry 7: NaN")
    attempts = collect_records(campaign.folder, None).attempts
    assert list(attempts.errors) == [(1, 7, 0)]
    said = attempts.errors[1, 7, 0]
    assert (said.input_file, said.entry_start, said.entry_stop) == ("/data/raw_0.root", 5, 10)
    assert np.array_equal(attempts.done, attempts.job == 0)
