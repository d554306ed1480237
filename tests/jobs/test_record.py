"""Records: what is written is what is read, and what is no record is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.record import Record, StageSeconds, read_record, read_records

if TYPE_CHECKING:
    from pathlib import Path


def a_record(**changes: Any) -> Record:  # noqa: ANN401  # any field
    """Return a record of a job that succeeded."""
    values: dict[str, Any] = {
        "version": 1,
        "campaign": "test",
        "manifest_digest": "abc",
        "block": 0,
        "job": 12,
        "attempt": 0,
        "cluster": 4,
        "proc": 2,
        "flavour": "gpu",
        "site": "FNAL",
        "host": "worker",
        "cpu_model": "a cpu",
        "endpoint": "triton:8001",
        "model": "cnn",
        "model_version": "1",
        "software_version": "0.1.0",
        "input_file": "root://server//data/å.root",
        "input_uuid": "1-2-3",
        "entry_start": 0,
        "entry_stop": 5,
        "exit_class": ExitClass.DONE,
        "started": 1_700_000_000.25,
        "ended": 1_700_000_010.5,
        "stages": StageSeconds(read_s=1.5),
        "cpu_s": 3.25,
        "max_rss_mb": 512.0,
    }
    return Record(**{**values, **changes})


def test_a_record_survives_the_disk(tmp_path: Path) -> None:
    """Every field must come back as it was written."""
    record = a_record(events=5, hits=1234, error="")
    (tmp_path / "r.json").write_text(record.model_dump_json())
    assert read_record(tmp_path / "r.json") == record


def test_a_record_of_an_earlier_release_can_be_read(tmp_path: Path) -> None:
    """Before there were wire formats and outages that a job survives, hits went as patches and none stayed here."""
    later = {"wire_format", "hits_on_cpu"}
    (tmp_path / "r.json").write_text(a_record().model_dump_json(exclude=later))
    record = read_record(tmp_path / "r.json")
    assert (record.wire_format, record.hits_on_cpu) == ("patches", 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"version": 2}',
        a_record().model_dump_json()[:-1] + ', "extra": 1}',
        a_record(bytes_sent=2**53).model_dump_json().replace(str(2**53), str(2**63)),
    ],
    ids=["empty", "cut", "list", "no fields", "later version", "unknown field", "a number that no store holds"],
)
def test_what_is_no_record_is_named(tmp_path: Path, text: str) -> None:
    """A file that is none of ours must be an error with its name, not a guess."""
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(CampaignError, match=r"odd\.json"):
        read_record(tmp_path / "odd.json")


def test_a_record_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file must be the same kind of error."""
    with pytest.raises(CampaignError, match=r"gone\.json"):
        read_record(tmp_path / "gone.json")


def test_records_of_a_block_come_oldest_first(tmp_path: Path) -> None:
    """Attempts must come in the order in which they started, and unfinished files must not count."""
    for number, started in enumerate([30.0, 10.0, 20.0]):
        (tmp_path / f"{number}.json").write_text(a_record(attempt=number, started=started).model_dump_json())
    (tmp_path / ".3.json.x7").write_text("half")
    assert [record.attempt for record in read_records(tmp_path)] == [1, 2, 0]
    assert read_records(tmp_path / "not made yet") == []


def test_a_record_is_not_changed_after_the_fact() -> None:
    """Records are evidence: frozen."""
    with pytest.raises(ValidationError):
        a_record().events = 7  # type: ignore[misc]  # what the test is about


def test_a_record_from_before_pacing_still_reads(tmp_path: Path) -> None:
    """Campaigns that ran with an older version must still be merged and reported."""
    new = {"paced_s", "latency_s", "share_mbps"}
    (tmp_path / "r.json").write_text(a_record().model_dump_json(exclude=new))
    assert read_record(tmp_path / "r.json") == a_record(paced_s=0.0, latency_s=0.0, share_mbps=0.0)
