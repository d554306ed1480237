"""Merging the outputs."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import uproot

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.layout import CampaignFolder
from jobs.payload.schema import PROVENANCE_BRANCHES, SCORES_BRANCHES
from jobs.results import write_merged as write_merged_module
from jobs.results.merge import MergedIndex, main, merge, read_index
from jobs.results.validate import main as validate_main
from jobs.results.validate import read_validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.builders.bench import Bench


def _validate(bench: Bench) -> None:
    validate_main(["--folder", str(bench.folder.root)])


@pytest.fixture
def valid(done: Bench) -> Bench:
    """The campaign of five jobs and nine events, all done and validated."""
    _validate(done)
    return done


def _read(folder: CampaignFolder, index: MergedIndex, tree: str) -> ak.Array:
    return ak.concatenate([uproot.open(folder.merged / file.file)[tree].arrays() for file in index.files])


@pytest.fixture(autouse=True)
def _count_all_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs of these tests are nearly empty, so that what they have in common must count here."""
    monkeypatch.setattr("jobs.results.merge._EMPTY_OUTPUT_BYTES", 0)


def _limit(bench: Bench, outputs: float) -> None:
    """Let a merged file hold so many outputs."""
    sizes = [path.stat().st_size for path in bench.folder.outputs.rglob("*.root")]
    # Without its seal, too.
    spec = "\n".join(line for line in bench.folder.spec.read_text().splitlines() if line[:1] != "#")
    written = f"merged_file: {int(max(sizes) * outputs) / 1e6:.6f} MB"
    bench.folder.spec.write_text(spec.replace("merged_file: 1 GB", written))


def test_every_event_in_the_order_of_the_manifest(valid: Bench) -> None:
    """The merged file has each event of each job once, with its hits, scores and branch types."""
    index = merge(valid.folder)
    assert [file.file for file in index.files] == ["small-0001.root"]
    merged = _read(valid.folder, index, "scores")
    outputs = [uproot.open(valid.folder.root / job.output_file)["scores"] for job in valid.jobs.values()]
    assert merged.fields == outputs[0].keys()
    single = ak.concatenate([output.arrays() for output in outputs])
    for field in single.fields:
        assert ak.array_equal(merged[field], single[field]), field
    assert merged["entry"].to_list() == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    tree = uproot.open(valid.folder.merged / "small-0001.root")["scores"]
    assert {branch.name for branch in SCORES_BRANCHES} < set(tree.keys())
    assert [tree[branch.name].typename for branch in SCORES_BRANCHES] == [
        outputs[0][branch.name].typename for branch in SCORES_BRANCHES
    ]


def test_the_index_finds_every_job(valid: Bench) -> None:
    """For each job the index says which file and entries hold its events, and for each file its size and checksum."""
    index = merge(valid.folder)
    assert read_index(valid.folder) == index
    assert index.complete
    (file,) = index.files
    content = (valid.folder.merged / file.file).read_bytes()
    assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (file.events, file.hits) == (9, 12)
    merged = _read(valid.folder, index, "scores")
    for row in index.jobs:
        job = valid.jobs[row.job]
        assert row.input_file == job.input_file
        entries = merged["entry"][row.entry_start : row.entry_stop].to_list()
        assert entries == list(range(job.entry_start, job.entry_stop))


def test_provenance_is_kept_for_every_job(valid: Bench) -> None:
    """The merged file has one row of provenance per job, in order."""
    index = merge(valid.folder)
    rows = _read(valid.folder, index, "provenance")
    assert rows.fields == [branch.name for branch in PROVENANCE_BRANCHES]
    assert rows["job"].to_list() == [0, 1, 2, 3, 4]
    assert rows["input_file"].to_list() == [job.input_file for job in valid.jobs.values()]
    assert rows["entry_stop"].to_list() == [job.entry_stop for job in valid.jobs.values()]


def test_files_of_about_the_size_asked_for(valid: Bench) -> None:
    """A file is closed before the output that would take it over the limit; every output is in exactly one."""
    _limit(valid, 2.1)
    index = merge(valid.folder)
    assert [file.file for file in index.files] == ["small-0001.root", "small-0002.root", "small-0003.root"]
    assert [row.file[6:10] for row in index.jobs] == ["0001", "0001", "0002", "0002", "0003"]
    assert [file.events for file in index.files] == [4, 3, 2]
    assert _read(valid.folder, index, "scores")["entry"].to_list() == [0, 1, 2, 3, 4, 0, 1, 2, 3]


def test_what_every_output_has_in_common_does_not_count(valid: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs of a few hits are nearly all headers, of which a merged file has one set: they fit into one."""
    _limit(valid, 2.1)
    monkeypatch.setattr("jobs.results.merge._EMPTY_OUTPUT_BYTES", 35_000)
    assert [file.events for file in merge(valid.folder).files] == [9]


def test_an_output_larger_than_the_limit_has_a_file_of_its_own(valid: Bench) -> None:
    """The limit never splits an output and never loses one."""
    _limit(valid, 0.5)
    assert [row.file[6:10] for row in merge(valid.folder).jobs] == ["0001", "0002", "0003", "0004", "0005"]


def test_merging_again_does_nothing(valid: Bench) -> None:
    """What is merged already is left alone, time stamps included."""
    first = merge(valid.folder)
    paths = list(valid.folder.merged.iterdir())
    for path in paths:
        os.utime(path, ns=(1, 1))
    assert merge(valid.folder) == first
    assert [path.stat().st_mtime_ns for path in paths] == [1, 1]


def test_what_came_later_is_merged_too(begin: Callable[..., Bench]) -> None:
    """After a resume the merge is made anew, and files that are no longer needed go away."""
    bench = begin((5, 4))
    for job in (0, 1, 3):
        bench.finish(job)
    bench.report(2, ExitClass.BAD_INPUT)
    _validate(bench)
    _limit(bench, 0.5)
    partial = merge(bench.folder)
    assert not partial.complete
    assert [row.job for row in partial.jobs] == [0, 1, 3]
    for job in (2, 4):
        bench.finish(job)
    _validate(bench)
    spec = bench.folder.spec.read_text().splitlines()
    # Without its seal, too.
    bench.folder.spec.write_text("\n".join(line for line in spec if line[:1] != "#" and "merged_file" not in line))
    whole = merge(bench.folder)
    assert whole.complete
    assert [row.job for row in whole.jobs] == [0, 1, 2, 3, 4]
    assert sorted(path.name for path in bench.folder.merged.iterdir()) == ["index.json", "small-0001.root"]


def test_a_merged_file_that_was_lost_is_made_again(valid: Bench) -> None:
    """The index alone does not make a merge."""
    merge(valid.folder)
    (valid.folder.merged / "small-0001.root").unlink()
    assert merge(valid.folder).files[0].events == 9
    assert (valid.folder.merged / "small-0001.root").is_file()


def test_nothing_valid_is_an_empty_index(begin: Callable[..., Bench]) -> None:
    """A campaign of which nothing came out merges to no file."""
    bench = begin((2,))
    _validate(bench)
    index = merge(bench.folder)
    assert (index.files, index.jobs, index.complete) == ((), (), False)


def test_events_without_hits(begin: Callable[..., Bench]) -> None:
    """Outputs that hold no hit at all merge to events without hits."""
    bench = begin((1, 1), jobs={"events_per_job": 1})
    for job in bench.jobs:
        bench.finish(job)
    _validate(bench)
    index = merge(bench.folder)
    assert (index.files[0].events, index.files[0].hits) == (2, 0)
    assert _read(bench.folder, index, "scores")["track"].to_list() == [[], []]


def test_memory_does_not_grow_with_the_file(valid: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With small baskets many are written, none of them with more than one piece too many, and all events arrive."""
    monkeypatch.setattr(write_merged_module, "_BASKET_EVENTS", 2)
    index = merge(valid.folder)
    tree = uproot.open(valid.folder.merged / "small-0001.root")["scores"]
    assert tree["entry"].num_baskets == 4
    assert _read(valid.folder, index, "scores")["entry"].to_list() == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    assert max(np.diff(tree["entry"].entry_offsets)) == 3


def test_an_output_that_changed_since_it_was_valid(valid: Bench) -> None:
    """A lost, damaged or swapped output stops the merge with its name and leaves nothing half-written."""
    path = valid.folder.root / valid.jobs[3].output_file
    content = path.read_bytes()
    path.write_bytes(b"root" + bytes(100))
    with pytest.raises(CampaignError, match=path.name):
        merge(valid.folder)
    path.write_bytes((valid.folder.root / valid.jobs[2].output_file).read_bytes())
    with pytest.raises(CampaignError, match="holds 1 events, not 2"):
        merge(valid.folder)
    path.unlink()
    with pytest.raises(CampaignError, match="is gone"):
        merge(valid.folder)
    assert list(valid.folder.merged.iterdir()) == []
    path.write_bytes(content)
    assert merge(valid.folder).complete


def test_a_full_disk_is_one_clear_error(valid: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a merged file cannot be written, nothing of it stays."""

    def no_space(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(CampaignError, match=r"small-0001.root: cannot be written: No space left"):
        merge(valid.folder)
    assert list(valid.folder.merged.iterdir()) == []


def test_only_what_was_validated_is_merged(begin: Callable[..., Bench], valid: Bench) -> None:
    """Without a validation, or with that of another plan, there is no merge."""
    other = read_validation(valid.folder).model_copy(update={"digest": "other"})
    valid.folder.validation.write_text(other.model_dump_json())
    with pytest.raises(CampaignError, match="another plan"):
        merge(valid.folder)
    valid.folder.validation.unlink()
    with pytest.raises(CampaignError, match="not a readable validation"):
        merge(valid.folder)


def test_the_command_of_the_workflow(valid: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the merged files; exit 1 with a clear error where there is nothing to merge from."""
    assert main(["--folder", str(valid.folder.root)]) == 0
    assert "small-0001.root: 9 events" in capsys.readouterr().out
    valid.folder.validation.unlink()
    assert main(["--folder", str(valid.folder.root)]) == 1
    assert "error:" in capsys.readouterr().err
