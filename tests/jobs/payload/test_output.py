"""The output: every branch as the schema says, whole or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import weakref
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from jobs.payload import output as output_module
from jobs.payload.errors import OutputRefused
from jobs.payload.output import ScoredEvent, ScoresFile
from jobs.payload.prepare import PreparedEvent
from jobs.payload.schema import (
    PROVENANCE_BRANCHES,
    PROVENANCE_TREE,
    SCORES_BRANCHES,
    SCORES_TREE,
    OutputProvenance,
)
from jobs.payload.worker import Worker
from jobs.reco.event import EventId
from jobs.reco.schema import Shape
from jobs.reco.views import EventViews
from sonic.view import View

WORKER = Worker(site="here", host="h", cpu_model="c", cluster=5, proc=2, attempt=1)
PROVENANCE = OutputProvenance(
    input_file="/data/å b.root",
    input_uuid="1-2",
    entry_start=10,
    entry_stop=13,
    model="cnn",
    model_version="1",
    flavour="cpu",
    campaign="test",
    manifest_digest="abc",
    software_version="0.1.0",
    block=4,
    job=2**40,
)


def scored(number: int, n_hits: int) -> ScoredEvent:
    """Return an event with scores that are all different."""
    rng = np.random.default_rng(number)
    event = PreparedEvent(
        id=EventId(2**31 + 5, 1, number),
        entry=10 + number,
        hit_channel=rng.integers(0, 9999, n_hits, dtype=np.int32),
        hit_peak_tick=rng.uniform(0, 6000, n_hits).astype(np.float32),
        views=EventViews((), np.arange(n_hits)),
    )
    return ScoredEvent(event, rng.random((n_hits, 3), np.float32), rng.random(n_hits, np.float32))


def write(path: Path, events: list[ScoredEvent]) -> ScoresFile:
    """Write a whole output."""
    file = ScoresFile(path, WORKER)
    for event in events:
        file.add(event)
    finished = file.finish(PROVENANCE)
    file.commit()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == finished.sha256
    assert path.stat().st_size == finished.bytes
    return file


@pytest.mark.parametrize("basket_hits", [1, 10, 100_000])
def test_what_is_read_back_is_what_was_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, basket_hits: int
) -> None:
    """Every number of every event must survive, events without hits included, however they fall into baskets."""
    monkeypatch.setattr(output_module, "_BASKET_HITS", basket_hits)
    events = [scored(number, n) for number, n in enumerate([3, 0, 8, 0])]
    write(tmp_path / "out" / "a.root", events)
    with uproot.open(tmp_path / "out" / "a.root") as file:
        arrays = file[SCORES_TREE].arrays()
    assert len(arrays) == 4
    for row, one in zip(arrays, events, strict=True):
        assert (row["run"], row["subrun"], row["event"]) == (2**31 + 5, 1, one.event.id.event)
        assert row["entry"] == one.event.entry
        assert row["n_hit"] == len(one.michel)
        assert ak.to_list(row["hit_channel"]) == one.event.hit_channel.tolist()
        assert ak.to_list(row["hit_peak_tick"]) == one.event.hit_peak_tick.tolist()
        for column, name in enumerate(("track", "em", "none")):
            assert ak.to_list(row[name]) == one.em_trk_none[:, column].tolist()
        assert ak.to_list(row["michel"]) == one.michel.tolist()


def test_the_file_has_the_branches_of_the_schema_and_no_others(tmp_path: Path) -> None:
    """Names and types in the file must be the schema's, plus the counter of the hits."""
    write(tmp_path / "a.root", [scored(1, 4)])
    with uproot.open(tmp_path / "a.root") as file:
        scores, provenance = file[SCORES_TREE], file[PROVENANCE_TREE]
        assert set(file.keys(cycle=False)) == {SCORES_TREE, PROVENANCE_TREE}
        assert set(scores.keys()) == {branch.name for branch in SCORES_BRANCHES} | {str(Shape.HIT)}
        arrays = scores.arrays()
        for branch in SCORES_BRANCHES:
            content = ak.flatten(arrays[branch.name], axis=None)
            assert ak.to_numpy(content).dtype == np.dtype(branch.dtype), branch.name
        assert set(provenance.keys()) == {branch.name for branch in PROVENANCE_BRANCHES}
        assert provenance.arrays().to_list() == [
            {branch.name: getattr(PROVENANCE, branch.name) for branch in PROVENANCE_BRANCHES}
        ]


def test_an_event_that_waits_to_be_written_keeps_no_images(tmp_path: Path) -> None:
    """Many small events wait together; their views, tens of MB each, must be gone from memory by then."""
    view = View(np.zeros((10, 10), np.float32), np.zeros(2, np.int32), np.zeros(2, np.int32))
    image = weakref.ref(view)
    one = scored(1, 2)
    one = replace(one, event=replace(one.event, views=EventViews((view,), np.arange(2))))
    file = ScoresFile(tmp_path / "a.root", WORKER)
    file.add(one)
    del view, one
    assert image() is None
    file.discard()


def test_a_job_of_no_events_is_a_file_with_none(tmp_path: Path) -> None:
    """Both trees must be there, one of them empty."""
    write(tmp_path / "a.root", [])
    with uproot.open(tmp_path / "a.root") as file:
        assert file[SCORES_TREE].num_entries == 0
        assert file[PROVENANCE_TREE].num_entries == 1


def test_the_name_appears_with_commit_only(tmp_path: Path) -> None:
    """Until then the folder must hold the temporary name of this attempt and nothing else; after it the file alone."""
    file = ScoresFile(tmp_path / "a.root", WORKER)
    file.add(scored(1, 4))
    file.finish(PROVENANCE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.root.5.2.1.part"]
    file.commit()
    file.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["a.root"]


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    """A job that fails must leave no half-written file, at whatever point it failed."""
    for n_events in (0, 3):
        file = ScoresFile(tmp_path / "a.root", WORKER)
        for number in range(n_events):
            file.add(scored(number, 4))
        file.discard()
        assert list(tmp_path.iterdir()) == []


def test_what_a_killed_attempt_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Only this job's leftovers may go: other jobs write into the same folder."""
    (tmp_path / "a.root.4.2.0.part").write_bytes(b"half")
    (tmp_path / "b.root.4.3.0.part").write_bytes(b"another job's")
    write(tmp_path / "a.root", [scored(1, 2)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.root", "b.root.4.3.0.part"]


def test_an_earlier_output_is_replaced_by_commit_and_not_before(tmp_path: Path) -> None:
    """A repeated job must not destroy what an earlier one left until it has something better."""
    (tmp_path / "a.root").write_bytes(b"earlier")
    file = ScoresFile(tmp_path / "a.root", WORKER)
    file.finish(PROVENANCE)
    assert (tmp_path / "a.root").read_bytes() == b"earlier"
    file.commit()
    assert (tmp_path / "a.root").read_bytes() != b"earlier"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """The error must name the output and say what to look at."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputRefused, match=r"a\.root.*check space, quota and permissions"):
        ScoresFile(tmp_path / "file" / "a.root", WORKER)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_what_the_file_system_refuses_is_the_outputs_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A disk that fills up at the last moment must be OutputRefused, in the system's own words."""

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(number, os.strerror(number), str(target))

    file = ScoresFile(tmp_path / "a.root", WORKER)
    file.finish(PROVENANCE)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputRefused, match=os.strerror(number)):
        file.commit()
    file.discard()
    assert list(tmp_path.iterdir()) == []
