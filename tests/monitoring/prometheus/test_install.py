"""Prometheus is taken from where it is, and a folder that is not complete is not taken."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from jobs.errors import SetupError
from jobs.pool import unpack
from monitoring.prometheus.install import install, installed
from sonic.errors import SetupFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def _none_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever this machine has is not found."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def unpacks(*names: str) -> Callable[..., dict[str, str]]:
    """Stands for Debian's mirror, with a package of these programs."""

    def fetch(_names: object, _suite: str, into: Path, **_: object) -> dict[str, str]:
        (into / "usr" / "bin").mkdir(parents=True)
        for name in names:
            (into / "usr" / "bin" / name).touch()
        return {"prometheus": "2.42"}

    return fetch


def test_the_programs_run(tmp_path: Path) -> None:
    """What the tests use is a Prometheus, whose two programs say their version."""
    from jobs.pool.folders import runtime_folder

    found = install(runtime_folder(), report=lambda _: None)
    for program in (found.server, found.promtool):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert " version " in done.stdout + done.stderr


def test_one_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has one gets no other."""
    for name in ("prometheus", "promtool"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install(tmp_path / "runtime", report=lambda _: None).server == tmp_path / "prometheus"
    assert not (tmp_path / "runtime").exists()


@pytest.mark.usefixtures("_none_on_path")
def test_a_folder_that_was_not_finished_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the stamp, which is written last, what is there counts for nothing."""
    monkeypatch.setattr(unpack, "fetch_debian_packages", unpacks("prometheus", "promtool"))
    left = tmp_path / "prometheus" / "usr" / "bin" / "half"
    left.parent.mkdir(parents=True)
    left.touch()
    assert installed(tmp_path) is None
    found = install(tmp_path, report=lambda _: None)
    assert found == installed(tmp_path)
    assert found.promtool.is_file()
    assert not left.exists()


@pytest.mark.usefixtures("_none_on_path")
def test_what_cannot_be_fetched_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the mirror's; the next call tries again."""

    def fail(*_: object, **__: object) -> dict[str, str]:
        raise SetupFailed("the mirror is away")

    monkeypatch.setattr(unpack, "fetch_debian_packages", fail)
    with pytest.raises(SetupError, match=r"Prometheus.*the mirror is away"):
        install(tmp_path, report=lambda _: None)
    assert not (tmp_path / "prometheus").exists()


@pytest.mark.usefixtures("_none_on_path")
def test_a_package_without_the_programs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that has changed is an error here, not in the first test that runs promtool."""
    monkeypatch.setattr(unpack, "fetch_debian_packages", unpacks("prometheus"))
    with pytest.raises(SetupError, match="not where they should be"):
        install(tmp_path, report=lambda _: None)
