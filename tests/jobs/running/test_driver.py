"""One driver per campaign, found by a lock that the kernel keeps, and stopped without leaving anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import psutil
import pytest

from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.running import driver
from jobs.running.driver import last_error, stop_driver
from jobs.running.lock import Driver, find_driver, last_status
from jobs.running.outcome import judge, write_outcomes
from jobs.running.standing import Standing
from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.builders.bench import Bench

# A stand-in for Snakemake, started by the real driver: it can be made deaf to signals, as Snakemake is in a deadlock.
SCRIPT = """
    import sys
    from pathlib import Path
    import jobs.running.driver as driver
    from jobs.layout import CampaignFolder
    driver.STOP_GRACE_S = 0.5
    driver._snakemake = lambda spec, sites, folder, directory: [sys.executable, "-c", {snakemake!r}]
    try:
        code = driver.drive(Path("spec"), Path("sites"), CampaignFolder(Path({folder!r})))
    except driver.CampaignError as error:
        sys.exit(str(error))
    sys.exit(code)
"""

SLEEPS = "import time; time.sleep(60)"
IS_DEAF = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; time.sleep(60)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a driver on the campaign in `tmp_path`; all are killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start_(snakemake: str) -> subprocess.Popen[str]:
        script = textwrap.dedent(SCRIPT).format(snakemake=snakemake, folder=str(tmp_path))
        process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start_
    for process in started:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.communicate()


def wait_for_driver(folder: CampaignFolder) -> Driver:
    """Wait until a driver holds the lock and its Snakemake runs."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = find_driver(folder)
        if found is not None and found.snakemake and psutil.Process(found.snakemake).cmdline()[:1] == [sys.executable]:
            return found
        time.sleep(0.02)
    pytest.fail("no driver came up")


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended; an orphan's body may stay where nobody collects it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_no_driver_where_there_is_none(tmp_path: Path) -> None:
    """A campaign that nobody drives has no driver, whatever a driver of the past left behind."""
    folder = CampaignFolder(tmp_path)
    assert find_driver(folder) is None
    folder.lock.write_text('{"pid": 1, "host": "gone", "started": 0}')
    assert find_driver(folder) is None
    assert not stop_driver(folder)


def test_a_second_driver_is_refused(tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]) -> None:
    """Two drivers never work on one campaign; the second says so."""
    first = start(SLEEPS)
    assert wait_for_driver(CampaignFolder(tmp_path)).pid == first.pid
    second = start(SLEEPS)
    _, error = second.communicate(timeout=20)
    assert second.returncode == 1
    assert "another driver is at work" in error


def test_exit_status_is_snakemakes(tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]) -> None:
    """The driver ends as Snakemake ended, and lets go of the campaign."""
    process = start("raise SystemExit(3)")
    assert process.wait(timeout=20) == 3
    assert find_driver(CampaignFolder(tmp_path)) is None
    assert last_status(CampaignFolder(tmp_path)) == 3


def test_what_was_asked_for_meanwhile_runs_before_the_driver_ends(
    begin: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of a block that was through is asked for while Snakemake runs: it runs once more, and then no more."""
    bench = begin()
    block = bench.folder.block(0)
    failed = {job: Standing(JobState.FAILED, cluster=1) for job in (0, 1, 2)}
    write_outcomes(block.outcome, judge(block, failed))
    rounds = bench.folder.root / "rounds"
    kept = bench.folder.root / "kept"
    kept.write_bytes(block.outcome.read_bytes())
    script = f"""
import shutil
from pathlib import Path
from jobs.layout import BlockFolder
from jobs.running.asked import note_retry
rounds = Path({str(rounds)!r})
n = len(rounds.read_text()) if rounds.exists() else 0
rounds.write_text("x" * (n + 1))
if n == 0:
    note_retry(BlockFolder(Path({str(block.root)!r})), {{1: (1, 0)}})
else:
    assert not Path({str(block.outcome)!r}).exists()
    shutil.copy({str(kept)!r}, {str(block.outcome)!r})
"""
    monkeypatch.setattr(driver, "_snakemake", lambda *_, **__: [sys.executable, "-c", script])
    monkeypatch.setattr(driver, "_throttle", lambda *_: nullcontext())
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        assert driver.drive(bench.folder.root / "spec", bench.folder.root / "sites", bench.folder) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert rounds.read_text() == "xx"


@pytest.mark.parametrize("snakemake", [SLEEPS, IS_DEAF])
def test_stop_leaves_nothing(tmp_path: Path, start: Callable[[str], subprocess.Popen[str]], snakemake: str) -> None:
    """A driver that is asked to stop ends, and so does its Snakemake, also one that is deaf to signals."""
    folder = CampaignFolder(tmp_path)
    process = start(snakemake)
    child = psutil.Process(wait_for_driver(folder).snakemake)
    assert stop_driver(folder)
    assert process.wait(timeout=20) != 0
    assert find_driver(folder) is None
    assert is_gone(child)


def test_orphaned_snakemake_keeps_the_lock(tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]) -> None:
    """When the driver alone is killed, nobody drives beside the Snakemake that it leaves, and that can be stopped."""
    folder = CampaignFolder(tmp_path)
    process = start(SLEEPS)
    child = psutil.Process(wait_for_driver(folder).snakemake)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    assert find_driver(folder) is not None
    assert stop_driver(folder)
    assert is_gone(child)
    assert find_driver(folder) is None


def test_killed_driver_has_no_status(tmp_path: Path, start: Callable[[str], subprocess.Popen[str]]) -> None:
    """A driver that was killed leaves no exit status that could be taken for success."""
    folder = CampaignFolder(tmp_path)
    assert last_status(folder) is None
    process = start(SLEEPS)
    wait_for_driver(folder)
    process.kill()
    process.wait(timeout=20)
    assert last_status(folder) is None
    stop_driver(folder)


def test_last_error_is_the_steps_own(tmp_path: Path) -> None:
    """What a step said last is told, with all its lines; without one, where to look."""
    folder = CampaignFolder(tmp_path)
    assert str(folder.log) in last_error(folder)
    folder.log.write_text("error: old\nrule plan\nerror: 2 problems:\n  a: b\n  c: d\nExiting\n")
    assert last_error(folder) == "2 problems:\n  a: b\n  c: d"


def test_snakemake_does_not_begin_before_the_lock_names_it(tmp_path: Path) -> None:
    """A driver that dies before it could say which Snakemake is its own leaves none behind."""
    mark = tmp_path / "begun"
    command = ["/bin/sh", "-c", driver._GATE, "sh", "/usr/bin/env", "touch", str(mark)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=20) != 0
    assert not mark.exists()


def test_driver_of_another_machine_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process number says nothing on another machine."""
    there = Driver(pid=os.getpid(), host="another.example.org", started=0.0)
    monkeypatch.setattr(driver, "find_driver", lambda _folder: there)
    with pytest.raises(CampaignError, match=r"another\.example\.org"):
        stop_driver(CampaignFolder(tmp_path))
