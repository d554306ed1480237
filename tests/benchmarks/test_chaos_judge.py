"""A judge that cannot fail is no judge: each thing that can be wrong with a campaign is planted, and it says so."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from measure.chaos.judge import Damage, judge_campaign
from measure.chaos.truth import TrueEvent, TrueFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from measure.chaos.judge import Judgement

N_JOBS = 3
PER_JOB = 2


class Ended:
    """A campaign of three jobs of two events that has ended well, written by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root / "campaign"
        self.input = str(root / "input.root")
        self.exit_status = 0
        self.told = "complete"
        self.damages: dict[str, Damage] = {}
        with uproot.recreate(self.input) as file:
            file.mktree("events", {"run": np.dtype("uint32"), "event": np.dtype("uint32")}).extend(
                {"run": np.ones(6, np.uint32), "event": np.arange(6, dtype=np.uint32)}
            )
        events = [
            TrueEvent((1, 0, entry), np.arange(entry, dtype=np.int32), np.full((entry, 4), 0.25, np.float32))
            for entry in range(N_JOBS * PER_JOB)
        ]
        self.truth = {self.input: TrueFile("uuid", tuple(events))}
        rows = [
            {"job": job, "block": 0, "input_file": self.input, "input_uuid": "uuid", "entry_start": PER_JOB * job,
             "entry_stop": PER_JOB * job + PER_JOB, "output_file": f"outputs/00000/{job}.root"}
            for job in range(N_JOBS)
        ]  # fmt: skip
        self.root.mkdir()
        pq.write_table(pa.Table.from_pylist(rows), self.root / "manifest.parquet")
        for job in range(N_JOBS):
            self.write_output(job)
            self.write_record(job)
        self.write_merged(range(N_JOBS * PER_JOB))
        self.write_validation()
        (self.root / "complete").touch()
        (self.root / "report.html").write_text("report")

    def output(self, job: int) -> Path:
        """The output of a job."""
        return self.root / "outputs" / "00000" / f"{job}.root"

    def record(self, job: int) -> Path:
        """The record of a job."""
        return self.root / "blocks" / "00000" / "records" / f"{job:07d}.0.0.json"

    def write_output(self, job: int, entries: list[int] | None = None, score: float = 0.25, event: int = 0) -> None:
        """Write a job's output; `event` is added to the numbers of its events."""
        wanted = entries if entries is not None else [PER_JOB * job + number for number in range(PER_JOB)]
        _write(self.output(job), wanted, job, score, event)

    def write_record(self, job: int, **changes: Any) -> None:  # noqa: ANN401  # as JSON
        """Write the record that fits a job's output."""
        content = self.output(job).read_bytes() if self.output(job).exists() else b""
        record = {"job": job, "exit_class": "done", "output_bytes": len(content), "started": 1.0,
                  "events_resumed": 0, "output_sha256": hashlib.sha256(content).hexdigest(), "input_file": self.input,
                  "entry_start": PER_JOB * job, "entry_stop": PER_JOB * job + PER_JOB} | changes  # fmt: skip
        self.record(job).parent.mkdir(parents=True, exist_ok=True)
        self.record(job).write_text(json.dumps(record))

    def write_merged(self, entries: Any, score: float = 0.25) -> None:  # noqa: ANN401  # an iterable of int
        """Write one merged file and its index."""
        path = self.root / "merged" / "one.root"
        _write(path, list(entries), 0, score, 0)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        index = {"files": [{"file": path.name, "bytes": len(content), "sha256": digest}]}
        (self.root / "merged" / "index.json").write_text(json.dumps(index))

    def write_validation(self, **changes: Any) -> None:  # noqa: ANN401  # as JSON
        """Write what the campaign's own check says."""
        said = {"complete": True, "missing": [], "contradictions": [], "rejected": []} | changes
        (self.root / "validation.json").write_text(json.dumps(said))

    def fail(self, job: int, exit_class: str = "bad_input") -> None:
        """Let a job have failed, as all who list failures say."""
        self.output(job).unlink()
        self.write_record(job, exit_class=exit_class)
        reason = f"{self.input}: damaged"
        self.write_validation(complete=False, missing=[{"job": job, "exit_class": exit_class, "reason": reason}])
        done = [entry for entry in range(N_JOBS * PER_JOB) if entry // PER_JOB != job]
        self.write_merged(done)
        (self.root / "complete").unlink()
        self.exit_status, self.told = 1, reason
        (self.root / "report.html").write_text(reason)

    def damage(self) -> None:
        """Damage the input, after everything was read."""
        with open(self.input, "r+b") as file:  # noqa: PTH123  # truncate
            file.truncate(200)
        self.damages[self.input] = Damage(self.input, at=2.0)

    def judged(self) -> Judgement:
        """Judge."""
        return judge_campaign(self.root, self.truth, self.damages, self.exit_status, self.told)


def _write(path: Path, entries: list[int], job: int, score: float, event: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    jagged = ak.Array([np.arange(entry, dtype=np.int32) for entry in entries])
    scores = ak.values_astype(jagged * 0 + score, np.float32)
    with uproot.recreate(path) as file:
        file["scores"] = {
            "run": np.ones(len(entries), np.uint32),
            "subrun": np.zeros(len(entries), np.uint32),
            "event": np.array(entries, np.uint32) + event,
            "entry": np.array(entries, np.int64),
            "hit_channel": jagged,
            **dict.fromkeys(("track", "em", "none", "michel"), scores),
        }
        file.mktree("provenance", {"input_uuid": "string", "job": np.dtype("int64")}).extend(
            {"input_uuid": ak.Array(["uuid"]), "job": np.array([job])}
        )


@pytest.fixture
def ended(tmp_path: Path) -> Ended:
    """A campaign that has ended well."""
    return Ended(tmp_path)


def test_a_campaign_that_ended_well_passes(ended: Ended) -> None:
    """Every event once, every byte vouched for, nothing else."""
    found = ended.judged()
    assert found.problems == []
    assert (found.jobs, found.done, found.events, found.failed) == (3, 3, 6, 0)


def test_a_named_failure_of_a_damaged_input_passes(ended: Ended) -> None:
    """What was injected and is named by record, validation, report and status is as it must be."""
    ended.fail(1)
    ended.damage()
    found = ended.judged()
    assert found.problems == []
    assert found.failed == 1


def test_a_piece_of_a_killed_attempt_counts_for_nothing(ended: Ended) -> None:
    """Half-written files may lie about, as long as nobody takes them for an output."""
    ended.output(1).with_suffix(".root.1.2.0.part").write_bytes(b"half")
    found = ended.judged()
    assert (found.problems, found.leftovers) == ([], 1)


def _lose_output(ended: Ended) -> None:
    ended.output(1).unlink()


def _lose_record(ended: Ended) -> None:
    ended.record(1).unlink()


def _change_byte(ended: Ended) -> None:
    content = bytearray(ended.output(1).read_bytes())
    content[len(content) // 2] ^= 1
    ended.output(1).write_bytes(content)


def _double_event(ended: Ended) -> None:
    ended.write_output(1, entries=[2, 3, 3])
    ended.write_record(1)


def _other_entries(ended: Ended) -> None:
    ended.write_output(1, entries=[3, 4])
    ended.write_record(1)


def _other_identity(ended: Ended) -> None:
    ended.write_output(1, event=100)
    ended.write_record(1)


def _other_scores(ended: Ended) -> None:
    ended.write_output(1, score=0.26)
    ended.write_record(1)


def _no_scores(ended: Ended) -> None:
    ended.write_output(1, score=float("nan"))
    ended.write_record(1)


def _swap_outputs(ended: Ended) -> None:
    shutil.copy(ended.output(2), ended.output(1))
    ended.write_record(1)


def _foreign_output(ended: Ended) -> None:
    shutil.copy(ended.output(2), ended.output(7))


def _merged_twice(ended: Ended) -> None:
    ended.write_merged([0, 1, 2, 3, 4, 5, 5])


def _merged_short(ended: Ended) -> None:
    ended.write_merged(range(5))


def _merged_other_scores(ended: Ended) -> None:
    ended.write_merged(range(6), score=0.3)


def _merged_damaged(ended: Ended) -> None:
    (ended.root / "merged" / "one.root").write_bytes(b"nothing")


def _half_record(ended: Ended) -> None:
    ended.record(1).with_name("0000001.0.1.json").write_text('{"job": 1,')


def _says_complete(ended: Ended) -> None:
    ended.fail(1)
    ended.damage()
    ended.exit_status = 0


def _no_mark(ended: Ended) -> None:
    (ended.root / "complete").unlink()


def _nothing_was_done(ended: Ended) -> None:
    ended.fail(1)


def _other_reason(ended: Ended) -> None:
    ended.fail(1, exit_class="bug")
    ended.damage()


def _not_told(ended: Ended) -> None:
    ended.fail(1)
    ended.damage()
    ended.told = "complete but for 1 job"


def _says_missing(ended: Ended) -> None:
    ended.write_validation(missing=[{"job": 1, "exit_class": "worker", "reason": "?"}])


def _read_after_all(ended: Ended) -> None:
    ended.damage()
    ended.write_record(1, started=3.0)


def _manifest_short(ended: Ended) -> None:
    table = pq.read_table(ended.root / "manifest.parquet")
    pq.write_table(table.slice(0, 2), ended.root / "manifest.parquet")


@pytest.mark.parametrize(
    "plant",
    [
        _lose_output, _lose_record, _change_byte, _double_event, _other_entries, _other_identity, _other_scores,
        _no_scores, _swap_outputs, _foreign_output, _merged_twice, _merged_short, _merged_other_scores,
        _merged_damaged, _half_record, _says_complete, _no_mark, _nothing_was_done, _other_reason, _not_told,
        _says_missing, _read_after_all, _manifest_short,
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(ended: Ended, plant: Callable[[Ended], None]) -> None:
    """Losses, duplicates, other bytes, other scores and wrong words each fail the campaign."""
    plant(ended)
    assert ended.judged().problems
