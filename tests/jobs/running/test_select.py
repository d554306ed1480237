"""A selection holds the jobs for which everything fits, and one that holds none says what there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.errors import UsageError
from jobs.running.job_now import JobNow
from jobs.running.select import Selection, explain_nothing, parse_numbers, select
from jobs.states import JobState

FAILED = JobNow(
    job=7,
    block=0,
    state=JobState.FAILED,
    exit_class="bad_input",
    reason="NaN in entry 3",
    site="FNAL",
    host="worker7.fnal.gov",
    attempts=1,
    records=1,
    cluster=12,
    proc=7,
    input_file="/data/a.root",
    entry_start=0,
    entry_stop=2,
    at=1.0,
)
JOBS = [
    FAILED,
    replace(FAILED, job=8, block=1, exit_class="worker", site="CERN", host="b.cern.ch"),
    replace(FAILED, job=9, state=JobState.DONE, exit_class=""),
    replace(FAILED, job=10, state=JobState.HELD, exit_class="pool_away"),
]


def chosen(**what: frozenset[object]) -> list[int]:
    """The failed jobs that a selection holds."""
    selection = Selection(**what)  # type: ignore[arg-type]  # the values of a test
    return [job.job for job in select(JOBS, selection, [JobState.FAILED])]


def test_every_option_must_fit() -> None:
    """Each narrows what the others leave."""
    assert chosen() == [7, 8]
    assert chosen(sites=frozenset({"FNAL"})) == [7]
    assert chosen(sites=frozenset({"FNAL"}), exit_classes=frozenset({"worker"})) == []
    assert chosen(jobs=frozenset({7, 8}), blocks=frozenset({1})) == [8]


def test_a_host_may_be_named_without_its_domain() -> None:
    """By its whole name, or the part before the first dot, in any case; not by a part of a word."""
    assert chosen(hosts=frozenset({"Worker7"})) == chosen(hosts=frozenset({"worker7.fnal.gov"})) == [7]
    assert chosen(hosts=frozenset({"worker"})) == []


def test_numbers_as_people_write_them() -> None:
    """Single numbers, ranges, both; anything else is refused with an example."""
    assert parse_numbers("--job", ["7,12-14", "20"]) == {7, 12, 13, 14, 20}
    with pytest.raises(UsageError, match=r"--job 7\.\.9: write numbers and ranges"):
        parse_numbers("--job", ["7..9"])


def test_a_word_that_is_no_state_or_class() -> None:
    """It is refused at once, with the one that was meant."""
    with pytest.raises(UsageError, match="did you mean bad_input"):
        Selection(exit_classes=frozenset({"bad_inputs"}))
    with pytest.raises(UsageError, match="there are: held, failed"):
        Selection(states=frozenset({"broken"}))


def test_a_selection_of_nothing_says_what_there_is() -> None:
    """Names that occur, with how many jobs, and the one that was meant."""
    text = explain_nothing(JOBS, Selection(sites=frozenset({"FNLA"})), [JobState.FAILED], "retry")
    assert "did you mean FNAL?" in text
    assert "FNAL (1), CERN (1)" in text
    text = explain_nothing(JOBS, Selection(jobs=frozenset({9})), [JobState.FAILED], "retry")
    assert text == "none of the selected jobs is failed: they are 1 done; nothing to retry"
    text = explain_nothing(JOBS, Selection(jobs=frozenset({99})), [JobState.FAILED], "retry")
    assert "the campaign has the jobs 0 to 3" in text
