"""Validating what came out."""

from __future__ import annotations

import hashlib
import shutil
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uproot

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.planning.count import Rejected
from jobs.record import read_records
from jobs.results import validate as validate_module
from jobs.results.check_output import ExpectedOutput, check_output
from jobs.results.validate import main, read_validation, validate
from jobs.running.outcome import JobOutcome, write_outcomes
from jobs.spread import spread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.builders.bench import Bench


def test_a_complete_campaign(done: Bench) -> None:
    """When every job has its output, all events and hits are counted and the campaign is complete."""
    seen: list[tuple[int, int]] = []
    found = validate(done.folder, progress=lambda *now: seen.append(now))
    assert found.complete
    assert (found.jobs, found.events, found.events_planned) == (5, 9, 9)
    assert found.hits == sum(entry % 4 for count in (5, 4) for entry in range(count))
    assert (found.missing, found.contradictions, found.repeated, found.failed) == ((), (), (), {})
    assert seen[-1] == (5, 5)


def test_a_rejected_input_leaves_it_incomplete(begin: Callable[..., Bench]) -> None:
    """Every job is done, but a file could not be used from the start."""
    bench = begin((2,), (Rejected("/data/bad.root", "truncated"),))
    bench.finish(0)
    found = validate(bench.folder)
    assert not found.complete
    assert (found.missing, found.events) == ((), 2)
    assert [file.path for file in found.rejected] == ["/data/bad.root"]


def test_missing_jobs_come_with_their_reason(begin: Callable[..., Bench]) -> None:
    """A failed job has its last error, one without any report says so, and one removed has what HTCondor said."""
    bench = begin((5, 4))
    bench.finish(0)
    bench.report(1, ExitClass.POOL_AWAY, error="first", attempt=0)
    bench.report(1, ExitClass.BAD_INPUT, error="entry 3: NaN", attempt=1)
    removed = JobOutcome(
        job=3, state="failed", exit_class="removed", attempts=2, cluster=1, proc=0, host="", site="", events=0, hits=0,
        seconds=0.0, error="removed by a person",
    )  # fmt: skip
    bench.folder.block(1).root.mkdir(parents=True)
    write_outcomes(bench.folder.block(1).outcome, [removed])
    found = validate(bench.folder)
    assert not found.complete
    assert found.events == 2
    assert [(row.job, row.exit_class, row.reason, row.attempts) for row in found.missing] == [
        (1, "bad_input", "entry 3: NaN", 2),
        (2, "not_run", "no record of an attempt is there", 0),
        (3, "removed", "removed by a person", 2),
        (4, "not_run", "no record of an attempt is there", 0),
    ]
    assert found.failed == {"bad_input": 1, "not_run": 2, "removed": 1}
    assert (found.missing[0].input_file, found.missing[0].entry_start) == ("/data/0.root", 2)
    assert found.contradictions == ()


def test_an_outcome_alone_is_no_success(begin: Callable[..., Bench]) -> None:
    """Where the records were lost, a row that says done proves nothing: the job is missing, and for that reason."""
    bench = begin((2,))
    bench.folder.block(0).root.mkdir(parents=True)
    outcome = JobOutcome(
        job=0, state="done", exit_class="done", attempts=1, cluster=1, proc=0, host="", site="", events=2, hits=0,
        seconds=1.0, error="",
    )  # fmt: skip
    write_outcomes(bench.folder.block(0).outcome, [outcome])
    (row,) = validate(bench.folder).missing
    assert (row.exit_class, row.reason) == ("not_run", "no record of an attempt is there")


def test_a_success_counts_whatever_came_after(done: Bench) -> None:
    """A later attempt that failed does not undo an output that is there and right."""
    done.report(0, ExitClass.STOPPED, attempt=1)
    assert validate(done.folder).complete


def test_a_job_that_succeeded_twice_is_counted(done: Bench) -> None:
    """The second output replaced the first: every event is there once, and the double work is told."""
    done.finish(2, attempt=1)
    found = validate(done.folder)
    assert found.complete
    assert found.repeated == (2,)


def test_a_lost_output_is_a_missing_job(done: Bench) -> None:
    """An output that is gone can be made again, so this is no contradiction."""
    (done.folder.root / done.jobs[1].output_file).unlink()
    found = validate(done.folder)
    assert [row.job for row in found.missing] == [1]
    assert "output is gone" in found.missing[0].reason
    assert found.contradictions == ()


def _cut_short(bench: Bench, path: Path) -> str:
    path.write_bytes(path.read_bytes()[:-1])
    return "bytes"


def _flip_a_bit(bench: Bench, path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return "SHA-256"


def _swap(bench: Bench, path: Path) -> str:
    other = bench.finish(0, entry_start=0)
    record = read_records(bench.folder.block(0).records)[0]
    shutil.copy(other, path)
    bench.report(
        1, ExitClass.DONE, output_bytes=record.output_bytes, output_sha256=record.output_sha256, output_file=str(path)
    )
    return "holds 2 entries from 0 to 1, not each of 2 to 3"


def _other_range(bench: Bench, path: Path) -> str:
    bench.finish(1, entry_start=0)
    return "its record has entries 0 to 4, the manifest 2 to 4"


def _other_input(bench: Bench, path: Path) -> str:
    bench.finish(1, input_uuid="another")
    return "the input was replaced"


@pytest.mark.parametrize("damage", [_cut_short, _flip_a_bit, _swap, _other_range, _other_input])
def test_files_that_contradict_each_other(done: Bench, damage: Callable[[Bench, Path], str]) -> None:
    """A damaged, swapped or wrong output is named with what is wrong; its job is missing and the others count."""
    words = damage(done, done.folder.root / done.jobs[1].output_file)
    found = validate(done.folder)
    assert not found.complete
    assert len(found.contradictions) == 1
    assert words in found.contradictions[0]
    assert [(row.job, row.exit_class) for row in found.missing] == [(1, "contradiction")]
    assert found.events == 7


def test_foreign_and_left_over_files(done: Bench) -> None:
    """A file that no job makes is a contradiction; a partial output of a killed attempt is only mentioned."""
    outputs = done.folder.outputs
    (outputs / "00000/small-0000099.root").write_text("x")
    (outputs / "00000/small-0000001.root.1.1.0.part").write_text("x")
    found = validate(done.folder)
    assert not found.complete
    assert found.missing == ()
    assert "small-0000099.root" in found.contradictions[0]
    assert found.leftovers == (str(outputs / "00000/small-0000001.root.1.1.0.part"),)


def test_records_that_do_not_belong(done: Bench) -> None:
    """A record of an older plan is no news; one of a job of another block, or a damaged one, is a contradiction."""
    done.report(0, ExitClass.BAD_INPUT, manifest_digest="older", attempt=5)
    assert validate(done.folder).complete
    stray = done.folder.block(1).record(3, 1, 0)
    shutil.copy(stray, done.folder.block(0).records / stray.name)
    (done.folder.block(0).records / "0000000.1.7.json").write_text("{")
    first, second = validate(done.folder).contradictions
    assert "not a readable job record" in first
    assert "a record of job 3" in second


def test_the_plan_and_the_manifest_must_agree(done: Bench, begin: Callable[..., Bench]) -> None:
    """Files of two different plans in one folder are refused."""
    old = done.folder.plan.read_bytes()
    shutil.rmtree(done.folder.blocks)
    begin((5, 4, 3))
    done.folder.plan.write_bytes(old)
    with pytest.raises(CampaignError, match="different plans"):
        validate(done.folder)


def test_the_command_of_the_workflow(done: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes validation.json; exit 0 whatever was found, so that merge and report go on, 1 for a lost plan."""
    arguments = ["--folder", str(done.folder.root)]
    assert main(arguments) == 0
    assert read_validation(done.folder).complete
    assert "5 of 5 jobs, 9 events" in capsys.readouterr().out
    (done.folder.root / done.jobs[1].output_file).unlink()
    assert main(arguments) == 0
    assert not read_validation(done.folder).complete
    (done.folder.outputs / "stray").touch()
    assert main(arguments) == 0
    assert "stray" in capsys.readouterr().err
    assert len(read_validation(done.folder).contradictions) == 1
    done.folder.manifest.unlink()
    assert main(arguments) == 1


def test_a_validation_must_be_ours(done: Bench) -> None:
    """A missing or foreign validation.json is one clear error."""
    with pytest.raises(CampaignError, match="not a readable validation"):
        read_validation(done.folder)


def test_many_outputs_go_through_processes(done: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs that are checked in processes of their own give the same result."""
    (done.folder.root / done.jobs[1].output_file).write_bytes(b"")
    few = validate(done.folder)
    monkeypatch.setattr(validate_module, "spread", partial(spread, processes_from=0))
    assert validate(done.folder) == few
    assert [row.job for row in few.missing] == [1]


def _expect(path: Path) -> ExpectedOutput:
    content = path.read_bytes()
    return ExpectedOutput(str(path), len(content), hashlib.sha256(content).hexdigest(), 0, 3)


def test_an_output_of_another_kind(tmp_path: Path) -> None:
    """Bytes that are no ROOT file, a file without our tree and one without a branch are each named."""
    path = tmp_path / "a.root"
    path.write_text("not ROOT")
    assert "not a ROOT file" in check_output(_expect(path)).problem
    with uproot.recreate(path) as file:
        file.mktree("other", {"entry": "int64"}).extend({"entry": np.arange(3)})
    assert "no tree 'scores'" in check_output(_expect(path)).problem
    with uproot.recreate(path) as file:
        file.mktree("scores", {"entry": "int64"}).extend({"entry": np.arange(3)})
    assert "no branch 'em'" in check_output(_expect(path)).problem


def test_either_attempt_vouches_where_a_job_ran_twice_at_once(done: Bench) -> None:
    """The grid ran a job twice at once, and the one that began first was the last to put its output in place."""
    bench = done
    (first,) = read_records(bench.folder.block(0).records)[:1]
    second = first.model_copy(
        update={"attempt": 9, "cluster": 9, "started": first.started + 5, "output_sha256": "0" * 64, "output_bytes": 1}
    )
    bench.folder.block(0).record(second.job, 9, 9).write_text(second.model_dump_json())
    found = validate(bench.folder)
    assert found.complete
    assert found.repeated == (first.job,)
