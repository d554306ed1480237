"""The verdict on a campaign names what is missing and decides the exit status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from jobs.exits import ExitClass
from jobs.planning.count import Rejected
from jobs.results import validate as validation
from jobs.results import verdict
from jobs.results.validate import validate
from jobs.results.verdict import state_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.bench import Bench


def test_complete(begin: Callable[..., Bench]) -> None:
    """A campaign with every event says so in one line."""
    bench = begin()
    for job in bench.jobs:
        bench.finish(job)
    assert state_verdict(validate(bench.folder)) == "complete: 5 jobs, 9 events, 12 hits"


def test_missing_jobs_are_named_with_their_reason(begin: Callable[..., Bench]) -> None:
    """Each missing job is told with its class and its error."""
    bench = begin()
    for job in range(4):
        bench.finish(job)
    bench.report(4, ExitClass.BAD_INPUT, error="a.root, entry 3: NaN")
    said = state_verdict(validate(bench.folder))
    assert said.startswith("complete but for 1 of 5 jobs")
    assert "job 4: bad_input: a.root, entry 3: NaN" in said


@pytest.mark.parametrize(("jobs", "status"), [(5, None), (4, 1)])
def test_exit_status_and_mark(
    begin: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, jobs: int, status: int | None
) -> None:
    """The mark of completeness appears, and the exit status is 0, only for a complete campaign."""
    bench = begin()
    for job in range(jobs):
        bench.finish(job)
    validation.main(["--folder", str(bench.folder.root)])
    monkeypatch.setattr(sys, "argv", ["verdict", "--folder", str(bench.folder.root)])
    if status is None:
        verdict.main()
    else:
        with pytest.raises(SystemExit) as ended:
            verdict.main()
        assert ended.value.code == status
    assert (bench.folder.root / "complete").exists() == (status is None)


def test_damaged_output_is_named_once(begin: Callable[..., Bench]) -> None:
    """An output that is not what its record says is told once, with what to do."""
    bench = begin()
    for job in bench.jobs:
        bench.finish(job)
    damaged = bench.folder.root / bench.jobs[2].output_file
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said = state_verdict(validate(bench.folder))
    assert said.startswith("complete but for 1 of 5 jobs")
    assert said.count("`sonicgrid submit` runs the job again") == 1


def test_rejected_inputs_alone_keep_a_campaign_from_being_complete(begin: Callable[..., Bench]) -> None:
    """Where every job is done but a file was rejected, the file is named."""
    bench = begin(rejected=(Rejected("/data/bad.root", "/data/bad.root: not a ROOT file"),))
    for job in bench.jobs:
        bench.finish(job)
    said = state_verdict(validate(bench.folder))
    assert said.startswith("all 5 jobs are done, but")
    assert "/data/bad.root: not a ROOT file" in said
