"""Keeps the collector at work beside the server, in a process of its own, so that it never slows a page.

It may be killed at any moment and nothing is lost; it is started again, after growing pauses where it keeps on ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["collector_command", "keep_running"]

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0

STEADY_S = 60.0
"""Time after which a process that ends is taken to have worked, seconds: the pauses begin anew."""

END_S = 0.5
"""How long it may take to end by itself, seconds."""


def collector_command(
    named: Sequence[CampaignFolder], results: Path | None, store_folder: Path | None, metrics_urls: Sequence[str]
) -> list[str]:
    """Return the command that collects what a dashboard shows, and ends with the dashboard."""
    command = [sys.executable, "-m", "monitoring.collect_all", "--until-end-of-input"]
    if results is not None:
        command += ["--results", str(results.absolute())]
    if store_folder is not None:
        command += ["--store-folder", str(store_folder.absolute())]
    for url in metrics_urls:
        command += ["--metrics-url", url]
    return [*command, "--", *(str(folder.root.absolute()) for folder in named)]


async def keep_running(command: Sequence[str], say: Callable[[str], None]) -> None:
    """Run a command, again and again, until cancelled; then it is ended.

    Args:
        command: with its arguments; its standard input is a pipe that closes with this process, whatever ends it.
        say: is told when it ended by itself.

    """
    pause_s = FIRST_PAUSE_S
    while True:
        began = time.monotonic()
        # In a session of its own, so that Ctrl-C reaches it through us.
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, start_new_session=True)
        try:
            code = await process.wait()
        finally:
            await asyncio.shield(_end(process))
        if time.monotonic() - began >= STEADY_S:
            pause_s = FIRST_PAUSE_S
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        say(f"the collector ended ({how}); it is started again in {pause_s:.0f} s, and nothing is lost")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.stdin is not None:
        process.stdin.close()
