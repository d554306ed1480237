"""What runs beside the server is started again after growing pauses, and ended with the server."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import psutil

from monitoring.serve import supervise
from monitoring.serve.supervise import keep_running

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that always fails is tried less and less often, and each time it is said."""
    monkeypatch.setattr(supervise, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervise, "LONGEST_PAUSE_S", 0.04)
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(pause_s: float) -> None:
        pauses.append(pause_s)
        await sleep(pause_s)

    monkeypatch.setattr(asyncio, "sleep", note)
    said: list[str] = []

    async def run() -> None:
        beside = asyncio.create_task(keep_running([sys.executable, "-Sc", "raise SystemExit(3)"], said.append))
        while len(pauses) < 4:
            await sleep(0.01)
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)

    asyncio.run(run())
    assert pauses[:4] == [0.01, 0.02, 0.04, 0.04]
    assert "the collector ended (exit code 3); it is started again" in said[0]


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """At the end of the server nothing is left behind, even if it takes no notice of SIGTERM."""
    told = tmp_path / "pid"
    program = (
        "import os, pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(told)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )

    async def run() -> None:
        beside = asyncio.create_task(keep_running([sys.executable, "-c", program], print))
        while not told.exists() or not told.read_text():
            await asyncio.sleep(0.01)
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)

    asyncio.run(run())
    assert not psutil.pid_exists(int(told.read_text()))
