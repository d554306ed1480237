"""Processes are found by their marks and ended with their children."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from sonic.server.process import find_leader, find_processes, is_alive, start_process, stop_processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARENT = (
    "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); print('up', flush=True); "
    "{extra}; time.sleep(600)"
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose processes are ended after the test."""
    yield tmp_path
    stop_processes(tmp_path, grace_s=1)


def _start(folder: Path, role: str, extra: str = "pass") -> psutil.Process:
    """Start a program with one child, and wait until both are there."""
    log = folder / "logs" / f"{role}.log"
    command = [sys.executable, "-c", PARENT.format(extra=extra)]
    process = start_process(command, {"LANG": "C"}, folder=folder, role=role, log=log)
    deadline = time.monotonic() + 30
    while "up" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


def test_children_are_found_and_ended_with_their_leader(folder: Path) -> None:
    """A leader and its child are a group of their own, found by folder and role, and end together."""
    leader = _start(folder, "one")

    found = find_processes(folder)

    assert len(found) == 2
    assert {os.getpgid(process.pid) for process in found} == {leader.pid}
    assert os.getpgid(0) != leader.pid
    assert find_leader(folder, "one") == leader
    assert stop_processes(folder) == 2
    assert find_processes(folder) == []
    assert not is_alive(leader)


def test_roles_and_folders_are_kept_apart(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ending one role spares the others, and ending another folder's spares all."""
    one, two = _start(folder, "one"), _start(folder, "two")

    stop_processes(tmp_path_factory.mktemp("other"))
    assert len(find_processes(folder)) == 4
    stop_processes(folder, lambda role: role == "one")

    assert find_leader(folder, "one") is None
    assert find_leader(folder, "two") == two
    assert not is_alive(one)


def test_orphans_of_a_killed_leader_are_ended(folder: Path) -> None:
    """A child whose leader was killed is nobody's leader, and is found and ended all the same."""
    leader = _start(folder, "one")
    leader.kill()
    deadline = time.monotonic() + 30
    while is_alive(leader) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert find_leader(folder, "one") is None
    assert stop_processes(folder) == 1
    assert find_processes(folder) == []


def test_one_that_does_not_listen_is_killed(folder: Path) -> None:
    """A program that ignores SIGTERM is killed after the time of grace."""
    leader = _start(folder, "one", extra="import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)")
    while "deaf" not in (folder / "logs" / "one.log").read_text():
        time.sleep(0.01)

    stop_processes(folder, grace_s=0.3)

    assert not is_alive(leader)


def test_processes_of_others_are_spared(folder: Path) -> None:
    """A process without our marks is never among those that are ended."""
    with subprocess.Popen(["sleep", "600"]) as stranger:  # noqa: S607 - any program will do
        try:
            _start(folder, "one")
            stop_processes(folder)
            assert stranger.poll() is None
        finally:
            stranger.kill()
