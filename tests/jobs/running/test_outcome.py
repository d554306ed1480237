"""How a job ended follows from its records first and from HTCondor's word second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.layout import BlockFolder
from jobs.running.follow import Standing
from jobs.running.outcome import final_records, judge, read_outcomes, write_outcomes
from jobs.states import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.records import RecordWriter

DONE = Standing(JobState.DONE, cluster=1, proc=0, starts=1, exit_code=0)
FAILED = Standing(JobState.FAILED, cluster=1, proc=0, starts=1, exit_code=10)


def test_success_counts_whatever_came_after(records: RecordWriter) -> None:
    """Of several attempts the success is final, also if a later attempt of the same job failed."""
    attempts = [
        records.write(1, 0, ExitClass.POOL_AWAY),
        records.write(1, 1, ExitClass.DONE),
        records.write(1, 2, ExitClass.STOPPED),
    ]
    assert final_records(attempts)[1].attempt == 1


def test_newest_of_two_successes_counts(records: RecordWriter) -> None:
    """A job that ran twice has the output of the later one."""
    attempts = [records.write(1, 0), records.write(1, 1)]
    assert final_records(attempts)[1].attempt == 1


def test_a_done_record_outweighs_the_event_log(tmp_path: Path, records: RecordWriter) -> None:
    """A job whose record says done is done, even if the log lost its end."""
    records.write(1, events=5, hits=50)
    (outcome,) = judge(BlockFolder(tmp_path / "block"), {1: Standing()})
    assert (outcome.state, outcome.exit_class, outcome.events, outcome.hits) == ("done", "done", 5, 50)


def test_a_damaged_record_costs_its_job_and_no_other(tmp_path: Path, records: RecordWriter) -> None:
    """Its job has failed, in the words that name the file; one with another record that says done is done."""
    for job in (1, 2, 3):
        records.write(job, events=5)
    records.write(3, 1, ExitClass.STOPPED)
    spoilt = records.folder / "0000002.1.0.json"
    spoilt.write_bytes(spoilt.read_bytes().replace(b'"events": 5', b'"events": 7'))
    (records.folder / "0000003.1.1.json").write_bytes(b"{")
    outcomes = judge(BlockFolder(tmp_path / "block"), {job: DONE._replace(proc=job) for job in (1, 2, 3)})
    assert [(row.state, row.exit_class) for row in outcomes] == [
        ("done", "done"),
        ("failed", "no_record"),
        ("done", "done"),
    ]
    assert f"{spoilt}: not a readable job record: it is damaged" in outcomes[1].error


def test_failure_tells_the_payloads_error(tmp_path: Path, records: RecordWriter) -> None:
    """A failed job carries the class and the error of its last record."""
    records.write(1, 0, ExitClass.BAD_INPUT, error="a.root, entry 3: NaN")
    (outcome,) = judge(BlockFolder(tmp_path / "block"), {1: FAILED})
    assert (outcome.state, outcome.exit_class, outcome.error) == ("failed", "bad_input", "a.root, entry 3: NaN")


@pytest.mark.parametrize(
    ("standing", "exit_class"),
    [
        (FAILED._replace(exit_code=-1, reason="killed by signal 9"), "killed"),
        (FAILED._replace(exit_code=-1, reason="via condor_rm"), "removed"),
        (FAILED._replace(exit_code=1), "bug"),
        (DONE, "no_record"),
        (Standing(), "lost"),
        (Standing(JobState.RUNNING, cluster=7, proc=0), "lost"),
    ],
)
def test_failure_without_a_record(tmp_path: Path, standing: Standing, exit_class: str) -> None:
    """Where the payload could not speak, HTCondor's word decides, and the reason is never empty."""
    (outcome,) = judge(BlockFolder(tmp_path / "block"), {1: standing})
    assert (outcome.state, outcome.exit_class) == ("failed", exit_class)
    assert outcome.error


def test_round_trip(tmp_path: Path, records: RecordWriter) -> None:
    """What is written is read back the same, one row per job."""
    records.write(1, events=5)
    outcomes = judge(BlockFolder(tmp_path / "block"), {1: DONE, 2: FAILED})
    write_outcomes(tmp_path / "outcome.parquet", outcomes)
    assert read_outcomes(tmp_path / "outcome.parquet") == outcomes
    assert [path.name for path in tmp_path.glob("*outcome*")] == ["outcome.parquet"]


def test_damaged_table_is_named(tmp_path: Path) -> None:
    """A table that cannot be read is named with what to do."""
    (tmp_path / "outcome.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(CampaignError, match=r"outcome\.parquet.*submit"):
        read_outcomes(tmp_path / "outcome.parquet")
