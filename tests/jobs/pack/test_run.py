"""The program that starts a packed interpreter refuses workers that cannot run it, and says why."""

from __future__ import annotations

import os
import subprocess
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from jobs.exits import EXITS, ExitClass

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"MACHINE": "x86_64", "GLIBC_MAJOR": "2", "GLIBC_MINOR": "34", "PYTHON": "python3.11"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An unpacked archive whose interpreter only says how it was called."""
    text = (files("jobs.pack") / "run.sh").read_text()
    for name, value in VALUES.items():
        text = text.replace(f"@{name}@", value)
    folder = tmp_path / "it's an archive"
    (folder / "bin").mkdir(parents=True)
    (folder / "run").write_text(text)
    (folder / "run").chmod(0o755)
    python = folder / "bin" / "python3.11"
    python.write_text('#!/bin/sh\necho "$LD_LIBRARY_PATH"\nprintf "<%s>" "$@"\n')
    python.chmod(0o755)
    return folder


def run_on(archive: Path, tmp_path: Path, machine: str, glibc: str) -> subprocess.CompletedProcess[str]:
    """Run it where uname and getconf answer as on some worker."""
    tools = tmp_path / "tools"
    tools.mkdir()
    said = f"echo '{glibc}'" if glibc else "exit 1"
    for name, body in {"uname": f'[ "$1" = -n ] && echo worker7 || echo {machine}', "getconf": said}.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.defpath}"
    command = [str(archive / "run"), "-m", "jobs.payload", "a file.json", "3"]
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("glibc", ["glibc 2.34", "glibc 2.36", "glibc 2.100", "glibc 3.0", "glibc 2.34.1"])
def test_a_worker_that_is_new_enough_runs_it(archive: Path, tmp_path: Path, glibc: str) -> None:
    """Arguments arrive as they are, the archive's libraries come first, nothing of the worker's Python is seen."""
    done = run_on(archive, tmp_path, "x86_64", glibc)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{archive}/lib\n<-I><-B><-m><jobs.payload><a file.json><3>"


@pytest.mark.parametrize(
    ("machine", "glibc", "words"),
    [
        ("aarch64", "glibc 2.36", "processors of type x86_64, and this one is aarch64"),
        ("x86_64", "glibc 2.28", "the GNU C library is 2.28, and this archive needs 2.34"),
        ("x86_64", "glibc 1.99", "the GNU C library is 1.99, and this archive needs 2.34"),
        ("x86_64", "", "there is no GNU C library, and this archive needs 2.34"),
    ],
)
def test_a_worker_that_cannot_run_it_is_named(
    archive: Path, tmp_path: Path, machine: str, glibc: str, words: str
) -> None:
    """The exit status is the one of an unfit worker, so that HTCondor tries elsewhere, and the error says why."""
    done = run_on(archive, tmp_path, machine, glibc)
    assert done.returncode == EXITS[ExitClass.WORKER].code
    assert "error: host worker7: " in done.stderr
    assert words in done.stderr
    assert done.stdout == ""
