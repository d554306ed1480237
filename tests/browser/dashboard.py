"""The dashboard as a user starts it, killed and started again; and what its pages say, read as a person reads them."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from jobs.states import DISPLAY_ORDER, JobState
from sonic.server.ports import PortPicker
from tests.builders.grid import SONICGRID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.builders.grid import Grid

__all__ = ["Dashboard", "counts_on", "open_dashboard", "wait_for_panels", "wait_until"]

COLLECTOR = "monitoring.collect_all"

WORDS = {
    JobState.HELD: r"(?:is|are) held",
    JobState.FAILED: r"ha(?:s|ve) failed",
    JobState.RUNNING: r"runs?\b",
    JobState.IDLE: r"waits? in HTCondor's queue",
    JobState.PENDING: r"(?:is|are) not in the queue yet",
    JobState.DONE: r"(?:is|are) done",
}
"""How the page says a state, after a number."""


@dataclass
class Dashboard:
    """A dashboard on a port that it keeps.

    Attributes:
        grid: where it is started.
        port: on loopback.
        process: `sonicgrid dashboard`, of the last start.

    """

    grid: Grid
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its overview, ending in a slash."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.grid.root / "dashboard.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [SONICGRID, "dashboard", "--port", str(self.port)],
                cwd=self.grid.root,
                env=self.grid.environment | {"XDG_STATE_HOME": str(self.grid.root / "state")},
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, 60, "the dashboard answers")

    def kill(self) -> None:
        """Kill the server, and nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def collector(self) -> psutil.Process | None:
        """Return the process that collects for it, if there is one now."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                if COLLECTOR in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                    return child
        return None

    def ask(self, path: str) -> Any:  # noqa: ANN401 - a JSON document
        """Return a page's JSON."""
        with urllib.request.urlopen(f"{self.url}json/{path}", timeout=20) as answer:  # noqa: S310 - our own
            return json.load(answer)

    def log(self) -> str:
        """Return what it has printed since its first start."""
        return (self.grid.root / "dashboard.log").read_text()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            self.ask("")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True


@contextlib.contextmanager
def open_dashboard(grid: Grid) -> Iterator[Dashboard]:
    """Start a dashboard of a grid's campaigns, and end it."""
    dashboard = Dashboard(grid, PortPicker().pick())
    try:
        dashboard.start()
        yield dashboard
    finally:
        if dashboard.process is not None:
            dashboard.process.terminate()
            dashboard.process.wait(20)


def counts_on(page: Page) -> dict[JobState, int]:
    """Return how many jobs are in which state, from the sentence that a campaign's page says it in."""
    said = page.locator("#panel-states").inner_text()
    sentence = next((line for line in said.splitlines() if re.match(r"Of [\d,]+ jobs?,", line)), "")
    counts = dict.fromkeys(DISPLAY_ORDER, 0)
    for state, words in WORDS.items():
        if found := re.search(rf"([\d,]+) {words}", sentence.partition(", ")[2]):
            counts[state] = int(found[1].replace(",", ""))
    return counts


def wait_for_panels(page: Page, dashboard: Dashboard) -> None:
    """Wait until a page has all its panels: one that takes long shows its first ones before."""
    page.locator("html[data-shown]").wait_for(state="attached")
    path = page.url.removeprefix(dashboard.url)
    panels = len(dashboard.ask(path)["panels"])
    wait_until(
        lambda: page.locator("#panels section.panel").count() >= panels,
        30,
        f"{panels} panels of {path}",
        lambda: page.wait_for_timeout(100),
    )


def wait_until(true: Callable[[], bool], timeout_s: float, what: str, pause: Callable[[], None] | None = None) -> float:
    """Wait until something is so, or fail; returns the seconds that it took.

    Args:
        true: asked again and again.
        timeout_s: longest wait, seconds.
        what: is to come to pass, for the failure.
        pause: between two looks; a short sleep by default.

    """
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < timeout_s, f"not within {timeout_s:g} s: {what}"
        if pause:
            pause()
        else:
            time.sleep(0.2)
    return time.monotonic() - began
