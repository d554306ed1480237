"""Finding the input files of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import ConfigError, Problem
from jobs.planning.inputs import find_inputs
from jobs.spec.campaign import load_campaign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def find(write_spec: Callable[..., Path], tmp_path: Path) -> Callable[..., list[str]]:
    """Find the inputs of a spec with these entries; local ones come back relative to the spec."""
    for name in ("data/b.root", "data/a.root", "data/deep/c.root", "data/notes.txt", "one[1].root"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def find_(*entries: object) -> list[str]:
        campaign = load_campaign(write_spec(inputs=list(entries)))
        return [path.removeprefix(f"{tmp_path}/") for path in find_inputs(campaign, "spec.yaml")]

    return find_


def _problems(call: Callable[[], object]) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        call()
    return list(caught.value.problems)


def test_patterns_paths_and_urls_in_the_order_of_the_spec(find: Callable[..., list[str]]) -> None:
    """Entries keep their order, files of a pattern are sorted by name, URLs are taken as they are."""
    found = find("data/deep/c.root", "data/*.root", "root://h//x.root?query=1")
    assert found == ["data/deep/c.root", "data/a.root", "data/b.root", "root://h//x.root?query=1"]


def test_a_double_star_goes_through_folders_and_finds_only_files(find: Callable[..., list[str]]) -> None:
    """`**` finds files at any depth, and never a folder."""
    assert find("data/**") == ["data/a.root", "data/b.root", "data/deep/c.root", "data/notes.txt"]


def test_a_file_whose_name_looks_like_a_pattern(find: Callable[..., list[str]]) -> None:
    """A file that exists under exactly that name is meant, brackets or not."""
    assert find("one[1].root") == ["one[1].root"]


def test_lists_of_files(find: Callable[..., list[str]], tmp_path: Path) -> None:
    """A text list has one file a line, a CSV a column `file`; relative paths start at the list."""
    (tmp_path / "data/files.txt").write_text("# mine\na.root\n\nroot://h//x.root\n")
    (tmp_path / "files.csv").write_text("run,file\n1,data/b.root\n2,data/gone.root\n")
    assert find({"list": "data/files.txt"}, {"list": "files.csv"}) == [
        "data/a.root",
        "root://h//x.root",
        "data/b.root",
        "data/gone.root",
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("data/*.hdf5", "matches no file"),
        ("data/none.root", "does not exist"),
        ("data", "data/*.root"),
        ("root://h//store/*.root", "xrdfs"),
        ({"list": "none.txt"}, "cannot be read"),
        ({"list": "data/b.root"}, "names no file"),
        ({"list": "data"}, "cannot be read"),
    ],
)
def test_an_entry_that_names_no_file(find: Callable[..., list[str]], entry: object, words: str) -> None:
    """A pattern without a match, a missing path and an unusable list are problems of that entry."""
    (problem,) = _problems(lambda: find("data/a.root", entry))
    assert problem.file == "spec.yaml"
    assert problem.key == "inputs[1]"
    assert words in str(problem)


def test_a_csv_without_the_column(find: Callable[..., list[str]], tmp_path: Path) -> None:
    """A CSV must say which of its columns has the files."""
    (tmp_path / "files.csv").write_text("run,path\n1,data/b.root\n")
    (problem,) = _problems(lambda: find({"list": "files.csv"}))
    assert "no column 'file'" in problem.what


def test_the_same_file_twice(find: Callable[..., list[str]], tmp_path: Path) -> None:
    """A file that two entries reach, also through a link, is an error that names both names."""
    (tmp_path / "link.root").symlink_to(tmp_path / "data/a.root")
    twice, linked = _problems(lambda: find("data/*.root", "data/a.root", "link.root"))
    assert twice.key == "inputs[1]"
    assert "named twice" in twice.what
    assert "link.root" in linked.what
    assert "data/a.root" in linked.what


def test_many_problems_of_one_kind_are_counted(find: Callable[..., list[str]]) -> None:
    """A pattern that repeats a thousand files does not print a thousand lines."""
    problems = _problems(lambda: find(*["data/a.root"] * 30))
    assert len(problems) == 11
    assert "19 more" in problems[-1].what
