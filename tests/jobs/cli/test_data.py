"""The commands that make files of events."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from jobs.cli import data
from jobs.errors import JobsError, UsageError
from jobs.reco.errors import FrameBad
from jobs.reco.read import count_entries, open_events

SMALL = ("--apas", "1", "--density", "0.05", "--events", "2")


def _run(*arguments: str) -> str:
    """Run a command; returns what it printed, raises what it raised."""
    app = typer.Typer()
    data.register(app)
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, JobsError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def _archive(path: Path, n_channels: int = 2560) -> Path:
    frame = np.zeros((n_channels, 20), np.float32)
    frame[7, 4:7] = [300, 900, 300]
    arrays: dict[str, NDArray[Any]] = {"frame_x_1": frame, "channels_x_1": np.arange(n_channels)}
    arrays["tickinfo_x_1"] = np.array([0.0, 500.0, 0.0])
    with tarfile.open(path, "w") as tar:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array)
            info = tarfile.TarInfo(f"{name}.npy")
            info.size = stream.tell()
            stream.seek(0)
            tar.addfile(info, stream)
    return path


def test_generate_writes_files_of_events_of_their_own(tmp_path: Path) -> None:
    """As many files with as many events as asked for, and no two events with the same identity."""
    out = tmp_path / "data"

    document = json.loads(_run("generate", "--out", str(out), "--files", "3", *SMALL, "--json"))

    paths = sorted(out.iterdir())
    assert [file["path"] for file in document["files"]] == [str(path) for path in paths]
    identities = set()
    for path in paths:
        with open_events(str(path)) as file:
            identities |= {event.id for event in file.events()}
    assert len(identities) == 6


def test_generate_overwrites_with_force_only(tmp_path: Path) -> None:
    """Files that exist stop the command before anything is written, unless it is forced."""
    _run("generate", "--out", str(tmp_path), *SMALL)
    before = count_entries(str(tmp_path / "generated_1_00000.root"))

    with pytest.raises(UsageError, match=r"generated_1_00000\.root: exists already; use --force"):
        _run("generate", "--out", str(tmp_path), "--files", "2", *SMALL)
    assert len(list(tmp_path.iterdir())) == 1
    assert count_entries(str(tmp_path / "generated_1_00000.root")) == before

    _run("generate", "--out", str(tmp_path), *SMALL, "--force")
    assert count_entries(str(tmp_path / "generated_1_00000.root")) != before


def test_generate_says_what_it_made(tmp_path: Path) -> None:
    """People read the number of files, events and hits and the folder."""
    assert f"in {tmp_path}" in _run("generate", "--out", str(tmp_path), *SMALL).replace("\n", "")


def test_import_frames_takes_several_archives(tmp_path: Path) -> None:
    """Each archive becomes one file in the folder."""
    archives = [_archive(tmp_path / f"{name}.tar") for name in "ab"]

    document = json.loads(_run("import-frames", *map(str, archives), "--out", str(tmp_path / "out"), "--json"))

    assert [(file["hits"], file["detector"]) for file in document["files"]] == [(1, "protodune-sp")] * 2
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["a.root", "b.root"]


def test_one_bad_archive_does_not_stop_the_others(tmp_path: Path) -> None:
    """The good archives are imported, the bad one is named, and the command fails."""
    good, bad = _archive(tmp_path / "good.tar"), tmp_path / "bad.tar"
    bad.write_text("nothing")
    app = typer.Typer()
    data.register(app)

    result = CliRunner().invoke(app, ["import-frames", str(bad), str(good), "--out", str(tmp_path / "out"), "--json"])

    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [file["archive"] for file in document["files"]] == [str(good)]
    assert [file["archive"] for file in document["failed"]] == [str(bad)]
    assert "not a tar or npz archive" in document["failed"][0]["error"]


def test_a_single_bad_archive_is_the_commands_error(tmp_path: Path) -> None:
    """With one archive its error is the command's own."""
    (tmp_path / "bad.tar").write_text("nothing")

    with pytest.raises(FrameBad, match=r"bad\.tar: not a tar"):
        _run("import-frames", str(tmp_path / "bad.tar"), "--out", str(tmp_path / "out"))


def test_planes_can_be_given(tmp_path: Path) -> None:
    """A frame of an unknown detector is imported once its planes are named, and not before."""
    archive = _archive(tmp_path / "a.tar", 10)

    with pytest.raises(UsageError, match="cannot tell the planes of 10 channels"):
        _run("import-frames", str(archive), "--out", str(tmp_path))
    _run("import-frames", str(archive), "--out", str(tmp_path), "--planes", "3,3,4")

    with open_events(str(tmp_path / "a.root")) as file:
        assert np.bincount(file.channels.plane).tolist() == [3, 3, 4]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--detector", "nope"), "--detector nope: unknown; choose from protodune-sp"),
        (("--detector", "sbnd", "--planes", "1,2"), "give one of them"),
        (("--planes", "x"), "--planes x: not a list"),
    ],
)
def test_wrong_options_are_refused(options: tuple[str, ...], text: str, tmp_path: Path) -> None:
    """Options that make no sense are errors of use with the remedy."""
    with pytest.raises(UsageError, match=text):
        _run("import-frames", str(_archive(tmp_path / "a.tar")), "--out", str(tmp_path), *options)


def test_two_archives_of_one_name_are_refused(tmp_path: Path) -> None:
    """Archives that would become the same file are refused before anything is written."""
    (tmp_path / "other").mkdir()
    archives = [_archive(tmp_path / "a.tar"), _archive(tmp_path / "other" / "a.tar")]

    with pytest.raises(UsageError, match=r"would both become .*a\.root"):
        _run("import-frames", *map(str, archives), "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
