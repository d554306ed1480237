"""Chromium is taken from the machine where there is one, and never half-unpacked."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from jobs.errors import SetupError
from sonic.errors import SetupFailed
from tests.browser import chromium

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with no browser."""
    monkeypatch.setenv("PATH", str(tmp_path))


def unpack(prefix: Path) -> None:
    """Make what a complete installation leaves."""
    program = prefix / chromium.PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho Chromium of a test\n")
    program.chmod(0o755)


def test_the_machines_own_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chromium on PATH is used as it is, and nothing is fetched."""
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho Chromium of a test\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = chromium.install(tmp_path / "runtime", report=lambda _: None)
    assert found == chromium.Chromium(program, {})
    assert found.version() == "Chromium of a test"


@pytest.mark.usefixtures("bare")
def test_only_a_complete_one_of_this_place_counts(tmp_path: Path) -> None:
    """Without its stamp, or with that of another place, an unpacked one is not there."""
    prefix = tmp_path / "chromium"
    unpack(prefix)
    assert chromium.installed(tmp_path) is None
    stamp = prefix / chromium.STAMP
    stamp.write_text(json.dumps({"prefix": "/elsewhere"}))
    assert chromium.installed(tmp_path) is None
    stamp.write_text(json.dumps({"prefix": str(prefix)}))
    found = chromium.installed(tmp_path)
    assert found is not None
    assert found.program == prefix / chromium.PROGRAM
    assert str(prefix) in found.environment["FONTCONFIG_FILE"]


@pytest.mark.usefixtures("bare")
def test_a_mirror_that_is_away_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do, and the next call begins anew."""

    def away(*_: object, **__: object) -> dict[str, str]:
        raise SetupFailed("the mirror does not answer")

    monkeypatch.setattr(chromium, "fetch_debian_packages", away)
    monkeypatch.setattr(chromium, "machine_suite", lambda: "bookworm")
    (tmp_path / "chromium").mkdir()
    with pytest.raises(SetupError, match=r"the mirror does not answer .*install `chromium` yourself"):
        chromium.install(tmp_path, report=lambda _: None)
    assert not (tmp_path / "chromium").exists()


@pytest.mark.usefixtures("bare")
def test_one_that_does_not_run_gets_no_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that lacks a library is an error of the set-up, not of the first test."""

    def half(_: object, __: str, into: Path, **___: object) -> dict[str, str]:
        unpack(into)
        (into / chromium.PROGRAM).write_text("#!/bin/sh\necho libnss3.so: cannot open >&2\nexit 127\n")
        return {}

    monkeypatch.setattr(chromium, "fetch_debian_packages", half)
    monkeypatch.setattr(chromium, "machine_suite", lambda: "bookworm")
    with pytest.raises(SetupError, match=r"does not run: libnss3.so"):
        chromium.install(tmp_path, report=lambda _: None)
    assert chromium.installed(tmp_path) is None
