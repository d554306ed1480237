"""Set-up of the page's parts: what is there stays, what fails leaves nothing, and no npm is no reason to stop."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from jobs.errors import SetupError
from monitoring.web import install as module
from monitoring.web.install import install, library_folder, main


class Npm:
    """A stand-in for npm, which does what a test says and counts how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.does()

    def does(self, *, make: str = "uPlot.esm.js uPlot.min.css", say: str = "", status: int = 0) -> None:
        """Set which files it makes, what it says on stderr, and how it ends."""
        folder = "node_modules/uplot/dist"
        touch = "".join(f"touch {folder}/{name}\n" for name in make.split())
        text = f'#!/bin/sh\necho "$@" >> {self._folder}/asked\nmkdir -p {folder}\n{touch}'
        text += f"printf '%s\\n' '{say}' >&2\nexit {status}\n"
        program = self._folder / "npm"
        program.write_text(text)
        program.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        """Its command lines."""
        asked = self._folder / "asked"
        return asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """The only npm on PATH is one that succeeds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Npm(folder)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder that does not exist yet, and that commands use."""
    monkeypatch.setenv("SONICGRID_RUNTIME", str(tmp_path / "runtime"))
    return tmp_path / "runtime"


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the set-up step as `python -m monitoring.web.install` does."""
    monkeypatch.setattr(sys, "argv", ["install", *arguments])
    return main()


def test_second_installation_asks_nobody(npm: Npm, runtime: Path) -> None:
    """What is there is found at once, and npm was told to run nothing of what it gets."""
    assert library_folder(runtime) is None
    folder = install(runtime, lambda _: None)
    assert install(runtime, lambda line: pytest.fail(line)) == folder == library_folder(runtime)
    assert (folder / "uPlot.esm.js").is_file()
    assert len(npm.asked) == 1
    assert npm.asked[0].startswith("ci --ignore-scripts ")


def test_interrupted_incomplete_and_older_installations_are_made_anew(npm: Npm, runtime: Path) -> None:
    """A left-over of an interruption, a missing file, and the stamp of another lock file are made good."""
    (runtime / "web.partial" / "node_modules").mkdir(parents=True)
    folder = install(runtime, lambda _: None)
    (folder / "uPlot.min.css").unlink()
    install(runtime, lambda _: None)
    (runtime / "web" / module.STAMP).write_text(json.dumps({"package-lock.json": "of an older checkout"}))
    assert library_folder(runtime) is None
    install(runtime, lambda _: None)
    assert len(npm.asked) == 3
    assert sorted(path.name for path in runtime.iterdir()) == [".web.lock", "web"]


def test_failure_of_npm_is_told_in_its_own_words_and_leaves_nothing(npm: Npm, runtime: Path) -> None:
    """The error has npm's last words and what to do; what was half made is gone."""
    npm.does(make="", say="npm error code ENOTFOUND", status=7)
    with pytest.raises(SetupError, match=r"npm config set registry.*ended with 7 and said: code ENOTFOUND"):
        install(runtime, lambda _: None)
    assert [path.name for path in runtime.iterdir()] == [".web.lock"]


def test_npm_that_installs_nothing_is_not_believed(npm: Npm, runtime: Path) -> None:
    """An end without an error is not enough: the files have to be there."""
    npm.does(make="uPlot.esm.js")
    with pytest.raises(SetupError, match="uPlot is not in"):
        install(runtime, lambda _: None)
    assert library_folder(runtime) is None


def test_folder_that_cannot_be_written_is_named(npm: Npm, runtime: Path) -> None:
    """A file in the place of the runtime folder is an error with its name, and npm is not asked."""
    runtime.write_text("")
    with pytest.raises(SetupError, match="cannot write"):
        install(runtime, lambda _: None)
    assert npm.asked == []


def test_without_npm_setup_goes_on_with_a_warning(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user without npm gets a dashboard without plots, and is told so; who needs it asks for an error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_main(monkeypatch) == 0
    warning = capsys.readouterr().out
    assert "npm is not on PATH" in warning
    assert "tables in the place of plots" in warning
    assert run_main(monkeypatch, "--required") == 1
    assert "npm is not on PATH" in capsys.readouterr().err
    assert library_folder(runtime) is None


@pytest.mark.usefixtures("npm", "runtime")
def test_command_says_where_uplot_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With npm, set-up ends with 0 and the folder."""
    assert run_main(monkeypatch, "--required") == 0
    assert "node_modules/uplot/dist" in capsys.readouterr().out
