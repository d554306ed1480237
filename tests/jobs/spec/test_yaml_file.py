"""Reading YAML that people wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import ConfigError, Problem
from jobs.spec.yaml_file import did_you_mean, place_of, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = 1


class _Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: _Inner = _Inner()
    inners: list[_Inner] = []


def _problems(path: Path, text: str) -> list[Problem]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, _Outer)
    return list(caught.value.problems)


def test_reads_a_good_file(tmp_path: Path) -> None:
    """A good file becomes the model."""
    path = tmp_path / "a.yaml"
    path.write_text("name: a\ninner: {count: 3}\n")
    assert read_yaml(path, _Outer) == _Outer(name="a", inner=_Inner(count=3))


def test_tells_every_problem_with_its_line_in_order(tmp_path: Path) -> None:
    """All problems come at once, each with file, line, key and remedy, from the top of the file down."""
    path = tmp_path / "a.yaml"
    problems = _problems(path, "inner:\n  count: x\n  cuont: 2\ninners:\n  - count: 1\n  - count: []\n")
    assert [(problem.file, problem.key) for problem in problems] == [
        (str(path), "name"),
        (f"{path}:2", "inner.count"),
        (f"{path}:3", "inner.cuont"),
        (f"{path}:6", "inners[1].count"),
    ]
    assert problems[1].what == "is 'x'"
    assert problems[1].remedy == "must be a whole number"
    assert problems[2].remedy == "did you mean 'count'?"
    assert problems[3].what == "is a list"


def test_refuses_a_key_that_stands_twice(tmp_path: Path) -> None:
    """YAML would silently keep the last one; here both lines are named."""
    path = tmp_path / "a.yaml"
    (problem,) = _problems(path, "name: a\ninner:\n  count: 1\n  count: 2\n")
    assert (problem.file, problem.key) == (f"{path}:4", "inner.count")
    assert "line 3" in problem.remedy


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: [a\n", "is not YAML"),
        ("name: a: b\n", "is not YAML"),
        ("\tname: a\n", "is not YAML"),
        ("name: !!python/object:os.system {}\n", "is not YAML"),
        ("- name\n", "is not a list of keys"),
        ("just text\n", "is not a list of keys"),
        ("[1, 2]: a\nname: b\n", "is not YAML"),
        ("? {a: 1}\n: b\n", "is not YAML"),
    ],
)
def test_says_what_is_no_mapping(tmp_path: Path, text: str, what: str) -> None:
    """What is not YAML, or not keys with values, is one clear problem."""
    (problem,) = _problems(tmp_path / "a.yaml", text)
    assert what in problem.what


def test_an_empty_file_lacks_its_keys(tmp_path: Path) -> None:
    """An empty file is a mapping without keys."""
    (problem,) = _problems(tmp_path / "a.yaml", "# nothing yet\n")
    assert (problem.key, problem.what) == ("name", "is missing")


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    """A missing file, a folder and a binary file are problems, not tracebacks."""
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.yaml", tmp_path, binary):
        with pytest.raises(ConfigError) as caught:
            read_yaml(path, _Outer)
        assert str(path) in str(caught.value)


@pytest.mark.timeout(20)
def test_aliases_neither_hang_nor_explode(tmp_path: Path) -> None:
    """A file that contains itself, or multiplies itself by aliases, is refused quickly."""
    assert _problems(tmp_path / "a.yaml", "name: a\ninner: &x {count: *x}\n")
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    assert len(_problems(tmp_path / "b.yaml", bomb)) == 31


def test_did_you_mean() -> None:
    """A near word is offered; else all are listed."""
    assert did_you_mean("flavor", ["flavour", "name"]) == "did you mean 'flavour'?"
    assert did_you_mean("zzz", ["flavour", "name"]) == "known: flavour, name"
    assert did_you_mean("zzz", []) == "there are none"


class _WithExample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    uplink: str = Field(examples=["10 Gb/s"], description="Rate of the link")
    endpoints: str = "a:1"


def test_a_missing_key_is_shown_as_it_is_written(tmp_path: Path) -> None:
    """Where the model knows an example, the remedy is a line to copy."""
    path = tmp_path / "a.yaml"
    path.write_text("endpoints: b:1\n")
    with pytest.raises(ConfigError) as caught:
        read_yaml(path, _WithExample)
    (problem,) = caught.value.problems
    assert (problem.key, problem.remedy) == ("uplink", "write `uplink: 10 Gb/s`: Rate of the link")


def test_a_misspelt_key_is_not_missing_as_well(tmp_path: Path) -> None:
    """One mistake is one problem; a key that is far from every other one does not hide that another is missing."""
    path = tmp_path / "a.yaml"
    for text, keys in (("uplnk: 1\n", ["uplnk"]), ("zzz: 1\n", ["uplink", "zzz"])):
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            read_yaml(path, _WithExample)
        assert [problem.key for problem in caught.value.problems] == keys


def test_the_place_of_a_key(tmp_path: Path) -> None:
    """A key that is written has a line; one that is left to its default has only the file."""
    path = tmp_path / "a.yaml"
    path.write_text("# first\nname: a\ninner:\n  count: 1\n")
    assert place_of(path, "inner", "count") == f"{path}:4"
    assert place_of(path, "inners") == str(path)
