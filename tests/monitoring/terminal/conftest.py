"""A program that watches a campaign on a pseudo-terminal, and what is seen there."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.layout import CHECKOUT
from jobs.results.validate import MissingJob, Validation
from jobs.running.lock import Driver, hold_lock, sign_lock
from tests.builders.campaign import START
from tests.builders.event_log import EventLog
from tests.monitoring.terminal.glass import Glass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.builders.campaign import CampaignBuilder

PATIENCE_S = 60.0


@dataclass
class Driven:
    """A campaign of ten jobs with a driver at work, which is this process."""

    campaign: CampaignBuilder
    driver: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def begin(self) -> None:
        """Plan it and hold its lock."""
        self.campaign.plan(10)
        lock = self.driver.enter_context(hold_lock(self.campaign.folder))
        self._lock = lock
        sign_lock(lock, Driver(os.getpid(), "here", START))
        self.log = EventLog(self.campaign.folder.block(0).events_log, at=START)

    def start(self, *jobs: int) -> None:
        """Let jobs run."""
        for job in jobs:
            self.log.submitted(7, job, job=job)
            self.log.executing(7, job)

    def finish(self, *jobs: int) -> None:
        """Let jobs that run be done."""
        for job in jobs:
            self.campaign.attempt(job)
            self.log.terminated(7, job, code=0)

    def end(self, *missing: int) -> None:
        """Let the driver come to its end; jobs may be missing."""
        campaign = self.campaign
        rows = tuple(
            MissingJob(
                job=job,
                block=0,
                input_file="/data/x.root",
                entry_start=0,
                entry_stop=5,
                exit_class="worker",
                reason="no disk",
                attempts=1,
            )
            for job in missing
        )
        campaign.outcome(0, dict.fromkeys(missing, ("worker", "no disk")))
        validation = Validation(
            campaign=campaign.name,
            digest="d1g357",
            complete=not missing,
            jobs=10,
            events_planned=50,
            events=50 - 5 * len(missing),
            hits=0,
            failed={},
            missing=rows,
            repeated=(),
            contradictions=(),
            leftovers=(),
            rejected=(),
        )
        campaign.folder.validation.write_text(validation.model_dump_json())
        sign_lock(self._lock, Driver(os.getpid(), "here", START, status=1 if missing else 0))
        self.driver.close()


class Terminal:
    """A pseudo-terminal with a program on it."""

    def __init__(self, command: list[str], environment: dict[str, str], columns: int, lines: int) -> None:
        self.glass = Glass(columns, lines)
        self.raw = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.near, far = pty.openpty()
        self.resize(columns, lines)
        self.mode = termios.tcgetattr(far)
        self.far = far
        self.program = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdin=far, stdout=far, stderr=far, preexec_fn=_own_terminal
        )

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, which the next `clear` of the program is for."""
        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if (columns, lines) != (self.glass.columns, self.glass.lines):
            self.glass = Glass(columns, lines)

    def read(self, step_s: float = 0.2) -> bool:
        """Take what the program has written; return whether there was anything."""
        if not select.select([self.near], [], [], step_s)[0]:
            return False
        try:
            news = os.read(self.near, 65536)
        except OSError:
            return False
        self.raw += news
        self.glass.write(self._decoder.decode(news))
        return bool(news)

    def until(self, seen: Callable[[str], bool]) -> str:
        """Wait until the screen is as wanted; return it."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.read()
            if seen(self.text):
                return self.text
        pytest.fail(f"never seen; the screen is\n{self.text}")

    @property
    def text(self) -> str:
        """What is seen, and what has scrolled away."""
        return "\n".join([*self.glass.scrolled, *self.glass.seen()])

    def end(self) -> int:
        """Wait for the program's end; return its exit status."""
        until = time.monotonic() + PATIENCE_S
        while self.program.poll() is None and time.monotonic() < until:
            self.read()
        while self.read(0.0):
            pass
        return self.program.wait(1)

    def close(self) -> None:
        """Stop the program if it still runs."""
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self.near)
        os.close(self.far)


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    """Return an environment with stores of its own and no pool."""
    dropped = {"NO_COLOR", "COLUMNS", "LINES", "CONDOR_CONFIG", "LC_ALL", "LC_CTYPE", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    own = {
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "SONICGRID_POOL": str(tmp_path / "no-pool"),
    }
    return kept | own | changes


@pytest.fixture
def driven(campaign: CampaignBuilder) -> Iterator[Driven]:
    """Return a planned campaign with a driver."""
    made = Driven(campaign)
    made.begin()
    yield made
    made.driver.close()


@pytest.fixture
def watch_on(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Return what watches a campaign on a terminal of some size."""
    with contextlib.ExitStack() as opened:

        def begin(folder: Path, columns: int = 80, lines: int = 24, **changes: str) -> Terminal:
            terminal = Terminal(watcher(folder), environment(tmp_path, **changes), columns, lines)
            opened.callback(terminal.close)
            return terminal

        yield begin


def watcher(folder: Path) -> list[str]:
    """Return the command that watches a campaign."""
    return [sys.executable, "-m", "tests.monitoring.terminal.watcher", str(folder)]
