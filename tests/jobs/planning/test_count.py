"""Counting the events of the inputs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.errors import ConfigError, InputError
from jobs.planning.count import InputFile, Inputs, count_inputs
from jobs.reco.errors import InputAway, NotRoot
from jobs.reco.read import count_entries


@dataclass
class _Counter:
    """Counts a file's bytes, and notes what it was asked."""

    asked: list[str] = field(default_factory=list)
    uuid: str = ""

    def __call__(self, path: str) -> tuple[str, int]:
        self.asked.append(path)
        name = Path(path).name
        if "bad" in name:
            message = f"{path}: not a ROOT file"
            raise NotRoot(message)
        if "away" in name:
            message = f"{path}: server away"
            raise InputAway(message)
        return self.uuid or f"uuid of {path}", 10


def _files(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).write_text("x")
    return [str(folder / name) for name in names]


def test_counts_in_order_and_sets_bad_files_aside(tmp_path: Path) -> None:
    """Good files keep their order with UUID and events; a bad, a missing and a forbidden one are rejected with why."""
    paths = [*_files(tmp_path, "b", "bad", "a"), str(tmp_path / "gone")]
    inputs = count_inputs(paths, counter=_Counter())
    assert inputs.files == tuple(InputFile(path, f"uuid of {path}", 10) for path in (paths[0], paths[2]))
    assert [file.path for file in inputs.rejected] == [paths[1], paths[3]]
    assert "not a ROOT file" in inputs.rejected[0].reason
    assert "No such file" in inputs.rejected[1].reason


def test_a_second_count_opens_nothing(tmp_path: Path) -> None:
    """What was counted, or found bad, is remembered by size and time; URLs for good."""
    paths = [*_files(tmp_path, "a", "bad"), "root://h//x.root"]
    cache = tmp_path / "results/inputs.json"
    first, second = _Counter(), _Counter()
    before = count_inputs(paths, cache, counter=first)
    stamp = cache.stat().st_mtime_ns
    assert sorted(first.asked) == sorted(paths)
    assert count_inputs(paths, cache, counter=second) == before
    assert second.asked == []
    assert cache.stat().st_mtime_ns == stamp


def test_a_changed_file_is_counted_again(tmp_path: Path) -> None:
    """Another size or another time of change means another content."""
    paths = _files(tmp_path, "a", "b", "c")
    cache = tmp_path / "inputs.json"
    count_inputs(paths, cache, counter=_Counter())
    (tmp_path / "a").write_text("longer")
    os.utime(tmp_path / "b", ns=(1, 1))
    counter = _Counter()
    count_inputs(paths, cache, counter=counter)
    assert sorted(counter.asked) == paths[:2]


def test_a_plan_that_changes_nothing_leaves_no_cache(tmp_path: Path) -> None:
    """`sonicgrid plan` may read the cache but not write it."""
    cache = tmp_path / "inputs.json"
    count_inputs(_files(tmp_path, "a"), cache, counter=_Counter(), keep_cache=False)
    assert not cache.exists()


def test_a_damaged_cache_only_costs_time(tmp_path: Path) -> None:
    """A cache that cannot be read is as none."""
    paths = _files(tmp_path, "a")
    cache = tmp_path / "inputs.json"
    cache.write_text('{"files": 7}')
    assert len(count_inputs(paths, cache, counter=_Counter()).files) == 1


def test_files_that_are_away_stop_the_plan(tmp_path: Path) -> None:
    """An outage must not become a smaller campaign: the error names the files, and they are not remembered as bad."""
    paths = _files(tmp_path, "a", "away1", "away2")
    cache = tmp_path / "inputs.json"
    with pytest.raises(InputError, match="2 input files cannot be reached now") as caught:
        count_inputs(paths, cache, counter=_Counter(), spec="spec.yaml")
    assert "away1: server away" in str(caught.value)
    counter = _Counter()
    with pytest.raises(InputError):
        count_inputs(paths, cache, counter=counter)
    assert sorted(counter.asked) == paths[1:]


def test_two_files_with_the_same_content(tmp_path: Path) -> None:
    """A copy under another name has the same UUID and is an error that names both."""
    paths = _files(tmp_path, "a", "b")
    with pytest.raises(ConfigError) as caught:
        count_inputs(paths, counter=_Counter(uuid="same"))
    assert paths[0] in str(caught.value)
    assert paths[1] in str(caught.value)


def test_reports_progress(tmp_path: Path) -> None:
    """Progress starts with what is known already and ends with all."""
    seen: list[tuple[int, int]] = []
    count_inputs(_files(tmp_path, "a", "b"), counter=_Counter(), progress=lambda *now: seen.append(now))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_many_files_go_through_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real counter in processes of their own gives the same: here a hundred files that are not ROOT."""
    monkeypatch.setattr("jobs.planning.count._PROCESSES_FROM", 100)
    paths = _files(tmp_path, *(f"{i}.root" for i in range(100)))
    inputs = count_inputs(paths, counter=count_entries)
    assert inputs.files == ()
    assert [file.path for file in inputs.rejected] == paths
    assert all("not a ROOT file" in file.reason for file in inputs.rejected)


def test_no_files_are_no_work() -> None:
    """An empty list of paths gives empty inputs."""
    assert count_inputs([], counter=_Counter()) == Inputs(())
