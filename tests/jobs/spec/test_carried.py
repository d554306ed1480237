"""A path either comes out of Snakemake's configuration and of a submit description as it was, or is refused."""

from __future__ import annotations

from pathlib import Path

import htcondor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.cli import parse_config

from jobs.errors import ConfigError
from jobs.layout import BlockFolder
from jobs.running.describe import ClusterRequest, SiteTerms, describe
from jobs.running.launch import JobFiles, SharedPython, launch
from jobs.spec.campaign import load_campaign
from jobs.spec.carried import cannot_be_carried
from tests.builders.bench import write_spec

HOSTILE = ["$(touch pwned)", "two\nlines\nqueue 5", "a: b", "a #b", "{wildcard}", "end\\"]
UNHARMED = ['it\'s "one"', ";rm -rf x", "`touch pwned`", "a & b | c > d", "-rf", "100 %", "*?[a]", "ä,b=c"]


def _request(folder: Path) -> ClusterRequest:
    return ClusterRequest(
        campaign="test",
        folder=folder,
        digest="abc",
        block=0,
        slots={"FNAL": "true"},
        terms={"FNAL": SiteTerms(1.0, 1.0)},
        limits={},
        most_jobs=0,
        runs_as="",
        memory_mb=1,
        disk_mb=1,
        max_runtime_s=1,
        max_retries=0,
    )


def _assert_unharmed(folder: str) -> None:
    """Both programs give back what they were given."""
    assert parse_config([f"folder={folder}"]) == {"folder": folder}
    block = BlockFolder(Path(folder) / "blocks" / "00000")
    start = launch(SharedPython(Path("/python")), block, JobFiles())
    submit = htcondor2.Submit(describe(block, [(1, "gpu")], _request(Path(folder)), start))
    assert submit.expand("initialdir") == str(block.root)
    assert submit.expand("log") == str(block.events_log)
    quoted = str(block.description).replace("'", "''").replace('"', '""')
    assert f"'{quoted}'" in submit["arguments"]


@pytest.mark.parametrize("name", UNHARMED)
def test_what_a_shell_would_take_for_code_passes(name: str) -> None:
    """Quotes, semicolons and the like are characters like others."""
    assert cannot_be_carried(f"/r/{name}/x") == ""
    _assert_unharmed(f"/r/{name}/x")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), min_size=1, max_size=12))
def test_whatever_is_not_refused_passes(name: str) -> None:
    """There is no third way: a path that is let in comes out as it was."""
    folder = str(Path(f"/r/{name}/x"))
    if not cannot_be_carried(folder):
        _assert_unharmed(folder)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_be_read_otherwise_is_one_clear_error(tmp_path: Path, name: str) -> None:
    """The spec's key is named, before anything is planned."""
    spec = write_spec(tmp_path, output={"folder": f"results/{name}"})
    with pytest.raises(ConfigError, match=r"output\.folder") as caught:
        load_campaign(spec)
    (problem,) = caught.value.problems
    assert problem.remedy == "choose another name for the folder"


PLACES = [
    ("root://h", "root://SERVER//PATH"),
    ("root://h/one/slash", "root://SERVER//PATH"),
    ("https://h//a", "root://SERVER//PATH"),
    ("root://h//a?authz=SECRET", "come from the job's environment"),
    ("root://me:password@h//a", "come from the job's environment"),
    ("/a\nb", "cannot be printed"),
]


@pytest.mark.parametrize(("place", "words"), PLACES)
def test_places_that_outputs_cannot_go_to_are_refused(tmp_path: Path, place: str, words: str) -> None:
    """A slip shows before the first job; a secret in a URL is refused and not repeated in the error."""
    with pytest.raises(ConfigError, match=r"output\.stage_out") as caught:
        load_campaign(write_spec(tmp_path, output={"stage_out": place}))
    assert words in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("root://h:1094//store/a b", "root://h:1094//store/a b"),
        ("roots://h.example.org//store", "roots://h.example.org//store"),
        ("far/away", "{base}/far/away"),
        ("/data/out/", "/data/out"),
    ],
)
def test_places_that_outputs_can_go_to(tmp_path: Path, written: str, read: str) -> None:
    """URLs stay as they are, paths become absolute like all others of a spec."""
    campaign = load_campaign(write_spec(tmp_path, output={"stage_out": written}))
    assert campaign.output.stage_out == read.format(base=tmp_path)
    assert campaign.staged_under == f"{campaign.output.stage_out}/small"
