"""The list of what a campaign lacks: a row for each job, who must act, and no file at all once it lacks nothing."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from jobs.exits import ExitClass
from jobs.planning.count import Rejected
from jobs.results.validate import main
from jobs.results.write_missing import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.builders.bench import Bench


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of the file, by its own header."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_missing_job_has_a_row(done: Bench) -> None:
    """Numbers, file, entries, class, who must act, and the first line of the error, whatever is in it."""
    folder = done.folder
    (folder.root / done.jobs[1].output_file).unlink()
    for path in folder.block(0).records.glob("0000001.*"):
        path.unlink()
    done.report(1, ExitClass.BAD_INPUT, error='entry 2: "NaN", in a view\nand more')
    assert main(["--folder", str(folder.root)]) == 0
    (row,) = rows_of(folder.missing)
    assert tuple(row) == COLUMNS
    assert (row["job"], row["block"], row["input_file"]) == ("1", "0", "/data/0.root")
    assert (row["entry_start"], row["entry_stop"]) == ("2", "4")
    assert (row["exit_class"], row["who_must_act"]) == ("bad_input", "owner of the data")
    assert row["error"] == 'entry 2: "NaN", in a view'


def test_a_complete_campaign_has_none(done: Bench) -> None:
    """A list of before is gone."""
    done.folder.missing.write_text("job\n1\n")
    assert main(["--folder", str(done.folder.root)]) == 0
    assert not done.folder.missing.exists()


def test_a_rejected_file_is_in_the_list(begin: Callable[..., Bench]) -> None:
    """No job reads it, and still its events are missing."""
    bench = begin(rejected=(Rejected("/data/bad.root", "no ROOT file"),))
    for job in bench.jobs:
        bench.finish(job)
    assert main(["--folder", str(bench.folder.root)]) == 0
    (row,) = rows_of(bench.folder.missing)
    assert (row["job"], row["input_file"], row["exit_class"]) == ("", "/data/bad.root", "rejected")
    assert row["error"] == "no ROOT file"
