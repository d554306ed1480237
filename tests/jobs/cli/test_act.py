"""The commands that act on selections say what they are about to touch, and touch no more than that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from jobs.cli.app import app
from jobs.cli.output import console
from jobs.errors import CampaignError, UsageError
from jobs.exits import ExitClass
from jobs.running.asked import read_asked
from jobs.running.follow import Standing
from jobs.running.outcome import judge, write_outcomes
from jobs.running.reopen import reopen, reopen_asked
from jobs.running.submit import jobs_to_run
from jobs.states import JobState
from jobs.throttle.aside import Aside
from jobs.throttle.readmit import Readmissions
from jobs.throttle.state import ThrottleState, write_state
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.builders.bench import Bench


@pytest.fixture
def bench(begin: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A campaign whose first block is through: job 0 done, 1 of a bad input, 2 without its model; the other pending."""
    monkeypatch.setattr(console, "width", 200)
    made = begin()
    made.finish(0)
    made.report(1, ExitClass.BAD_INPUT, error="entry 2: NaN", host="w1", site="FNAL")
    made.report(2, ExitClass.MODEL_MISSING, error="no such model", host="w2", site="CERN")
    block = made.folder.block(0)
    standings = {
        0: Standing(JobState.DONE, 1, 0, 1, 0),
        1: Standing(JobState.FAILED, 1, 1, 1, 10),
        2: Standing(JobState.FAILED, 1, 2, 1, 27),
    }
    write_outcomes(block.outcome, judge(block, standings))
    return made


def run(*arguments: object, answer: str = "") -> str:
    """Run a command and return what it printed; errors are raised."""
    ran = CliRunner().invoke(app, [str(word) for word in arguments], input=answer)
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran.output


def to_run(bench: Bench, block: int = 0) -> list[int]:
    """Which jobs of a block have to run."""
    manifest = bench.made.manifest
    return jobs_to_run(bench.folder.block(block), manifest.block(block), manifest.digest)


def test_failures_name_who_must_act_and_what_to_do(bench: Bench) -> None:
    """A group for each class, with its numbers, its newest error, its log and the next command."""
    text = run("failures", bench.folder.root)
    for words in ("1 failed: bad_input", "owner of the data", "entry 2: NaN", "blocks/00000/logs/1.log", "FNAL (1)"):
        assert words in text
    assert f"sonicgrid retry {bench.folder.root} --exit-class model_missing" in text
    assert "once that is mended" in text


def test_failures_as_a_list_and_as_json(bench: Bench) -> None:
    """One line for each job; the document has groups and jobs."""
    assert len([line for line in run("failures", bench.folder.root, "--list").splitlines() if "job " in line]) == 2
    document = json.loads(run("failures", bench.folder.root, "--json", "--site", "CERN"))
    assert [(group["exit_class"], group["numbers"]) for group in document["groups"]] == [("model_missing", "2")]
    assert document["jobs"][0]["host"] == "w2"


def test_failures_of_nothing(begin: Callable[..., Bench]) -> None:
    """A campaign without trouble says so; that is no error."""
    assert "no job of 5 has failed or is held" in run("failures", begin().folder.root)


def test_retry_asks_first(bench: Bench) -> None:
    """What is about to be done is shown with its reasons; with no for an answer nothing is."""
    text = run("retry", bench.folder.root, "--all", answer="n\n")
    assert "to retry: 2 jobs" in text
    assert "no such model" in text
    assert not bench.folder.block(0).asked.exists()


def test_retry_runs_again_what_no_retry_mends_and_nothing_else(bench: Bench) -> None:
    """Only the chosen job is to run, `submit` is named where no driver is at work, and a later failure settles it."""
    assert to_run(bench) == []
    text = run("retry", bench.folder.root, "--exit-class", "model_missing", "--yes", "--why", "it is there now")
    assert f"sonicgrid submit {bench.folder.root}" in text
    assert to_run(bench) == [2]
    assert list(read_asked(bench.folder.block(0)).retries) == [2]
    assert reopen(bench.folder) == 1
    bench.report(2, ExitClass.MODEL_MISSING, attempt=1, cluster=9)
    assert to_run(bench) == []


def test_a_driver_reopens_a_block_once_for_a_request(bench: Bench) -> None:
    """What was asked for while a block was through: its outcome and the verdict go, and only once."""
    answered: set[tuple[int, float]] = set()
    assert reopen_asked(bench.folder, answered) == 0
    outcome = bench.folder.block(0).outcome
    kept = outcome.read_bytes()
    run("retry", bench.folder.root, "--job", "1", "--yes")
    bench.folder.missing.touch()
    assert reopen_asked(bench.folder, answered) == 1
    assert not outcome.exists()
    assert not bench.folder.missing.exists()
    outcome.write_bytes(kept)
    assert reopen_asked(bench.folder, answered) == 0


def test_dry_run_and_json(bench: Bench) -> None:
    """Both show which jobs it would be; JSON without a word on asking is refused, because nobody can answer."""
    document = json.loads(run("retry", bench.folder.root, "--all", "--dry-run", "--json"))
    assert (document["numbers"], document["states"], document["done"]) == ("1-2", {"failed": 2}, False)
    assert "nothing was done" in run("retry", bench.folder.root, "--all", "--dry-run")
    with pytest.raises(UsageError, match="--yes"):
        run("retry", bench.folder.root, "--all", "--json")
    assert not bench.folder.block(0).asked.exists()
    assert json.loads(run("retry", bench.folder.root, "--all", "--json", "--yes"))["waiting"] == 2


def test_nothing_chosen_and_nothing_found(bench: Bench) -> None:
    """No selection is not everything; one that fits nothing says what there is."""
    with pytest.raises(UsageError, match="say which jobs to retry"):
        run("retry", bench.folder.root, "--yes")
    with pytest.raises(UsageError, match="did you mean FNAL"):
        run("retry", bench.folder.root, "--site", "FNL", "--yes")
    with pytest.raises(UsageError, match="they are 2 failed, 1 done; nothing to release"):
        run("release", bench.folder.root, "--block", "0", "--yes")


def test_hold_and_release_of_what_is_not_in_the_queue(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pending jobs are held on the record, shown as held with who and why, and released again."""
    monkeypatch.setattr("jobs.cli.act.open_queue", FakeQueue)
    text = run("hold", bench.folder.root, "--block", "1", "--why", "downtime", "--yes")
    assert "held before they come up: 2 jobs" in text
    text = run("failures", bench.folder.root)
    assert "2 held: held by a person" in text
    assert "downtime" in text
    assert f"sonicgrid release {bench.folder.root} --state held" in text
    assert "may come up again" in run("release", bench.folder.root, "--state", "held", "--yes")
    assert not read_asked(bench.folder.block(1)).holds


def test_readmit_wants_something_that_is_set_aside(bench: Bench) -> None:
    """It goes on the record; another name is refused with the one that was meant; `failures` shows what is aside."""
    aside = Aside(kind="host", name="w7.org", site="FNAL", reason="its last 3 attempts failed", since=1.0, until=2.0)
    write_state(bench.folder, ThrottleState(at=1.0, sites={}, aside=(aside,)))
    assert "host w7.org (FNAL) is set aside since" in run("failures", bench.folder.root)
    with pytest.raises(UsageError, match=r"did you mean w7\.org"):
        run("sites", "readmit", "w7", bench.folder.root)
    assert "as soon as `sonicgrid submit` goes on" in run("sites", "readmit", "w7.org", bench.folder.root)
    ((name, _),) = Readmissions(bench.folder).new()
    assert name == "w7.org"


def test_an_unplanned_campaign(write_spec: Callable[..., Path], sites_folder: Path) -> None:
    """There is nothing to choose from, and what to do is said."""
    del sites_folder
    with pytest.raises(CampaignError, match="has not been planned"):
        run("failures", str(write_spec()))
