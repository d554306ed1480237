"""The commands `validate` and `plan`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import pytest
import typer
from typer.testing import CliRunner

from jobs.cli.output import console
from jobs.cli.plan import register
from jobs.errors import ConfigError, PoolError
from jobs.planning.plan import make_plan
from jobs.reco.errors import NotRoot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _count(path: str) -> tuple[str, int]:
    if "bad" in path.rpartition("/")[2]:
        message = f"{path}: not a ROOT file [sic]"
        raise NotRoot(message)
    return f"uuid of {path}", 100


def _no_pool() -> NoReturn:
    raise PoolError("no collector answers")


@pytest.fixture
def run(
    sites_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, BaseException | None]]:
    """Run a command over two files that are said to have 100 events each; returns exit code, output and error."""
    (tmp_path / "data").mkdir()
    for name in ("a.root", "b.root"):
        (tmp_path / "data" / name).touch()
    monkeypatch.setattr("jobs.cli.plan.make_plan", partial(make_plan, counter=_count))
    # Whatever pool another test has left this process talking to.
    monkeypatch.setattr("jobs.cli.plan.slot_ads", _no_pool)
    monkeypatch.setattr(console, "width", 160)
    app = typer.Typer()
    register(app)

    def run_(*arguments: object) -> tuple[int, str, BaseException | None]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--sites-folder", str(sites_folder)])
        return result.exit_code, result.stdout, result.exception

    return run_


def test_a_good_spec_is_said_to_be_good(
    run: Callable[..., tuple[int, str, object]], write_spec: Callable[..., Path]
) -> None:
    """`validate` says so, with the number of files and the sites."""
    code, output, _ = run("validate", write_spec())
    assert code == 0
    assert "no problems" in output
    assert "2 input files; sites: local" in output


def test_every_problem_as_an_error_or_as_json(
    run: Callable[..., tuple[int, str, object]], write_spec: Callable[..., Path]
) -> None:
    """`validate` raises what the command line prints; with --json it lists the problems and exits 2."""
    spec = write_spec(flavour="x", sites="locla")
    _, _, error = run("validate", spec)
    assert isinstance(error, ConfigError)
    code, output, _ = run("validate", spec, "--json")
    document = json.loads(output)
    assert code == 2
    assert not document["valid"]
    assert [problem["key"] for problem in document["problems"]] == ["flavour", "sites"]
    assert document["problems"][1]["remedy"].startswith("did you mean 'local'?")


def test_a_pattern_that_matches_nothing_is_a_problem_of_the_spec(
    run: Callable[..., tuple[int, str, object]], write_spec: Callable[..., Path]
) -> None:
    """`validate` looks for the files, though it opens none."""
    code, output, _ = run("validate", write_spec(inputs="data/*.hdf5"), "--json")
    assert code == 2
    assert "matches no file" in output
    assert json.loads(run("validate", write_spec(), "--json")[1])["files"] == 2


def test_the_plan_for_people(
    run: Callable[..., tuple[int, str, object]], write_spec: Callable[..., Path], tmp_path: Path
) -> None:
    """`plan` shows jobs, blocks, flavours, links and rejected files, and changes nothing on disk."""
    (tmp_path / "data/bad.root").touch()
    spec = write_spec(cpu_comparison="10 %", jobs={"events_per_job": 2})
    before = sorted(tmp_path.rglob("*"))
    code, output, _ = run("plan", spec)
    assert code == 0
    assert sorted(tmp_path.rglob("*")) == before
    for words in ("2 and 1 rejected", "100: 90 gpu, 10 cpu", "200", "unknown until the first jobs report", "8,000"):
        assert words in output
    assert "1 input files cannot be used" in output
    assert "bad.root: not a ROOT file [sic]" in output


def test_the_plan_knows_the_rates_where_the_spec_does(
    run: Callable[..., tuple[int, str, object]], write_spec: Callable[..., Path]
) -> None:
    """With an estimate `plan` tells Mb/s per job, jobs that fit, what binds and the expected duration."""
    spec = write_spec(estimate={"hits_per_event": 55000, "seconds_per_event": "120 s"})
    code, output, _ = run("plan", spec)
    assert code == 0
    for words in ("35.5", "225", "the link", "0:05:40", "35.5 Mb/s a job, 225 jobs fit in 80 % of 10 Gb/s"):
        assert words in output


def test_the_plan_for_programs(run: Callable[..., tuple[int, str, object]], write_spec: Callable[..., Path]) -> None:
    """`plan --json` is one document with the same numbers."""
    code, output, _ = run("plan", write_spec(), "--json")
    document = json.loads(output)
    assert code == 0
    assert (document["campaign"], document["jobs"], document["files"], document["blocks"]) == ("small", 100, 2, 34)
    assert document["demand"]["mbps_per_job"] is None
    assert document["demand"]["sites"]["local"]["binds"] == "pilots"
