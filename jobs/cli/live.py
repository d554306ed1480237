"""The live picture of a running campaign in the terminal."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.cli.output import console
from jobs.running.driver import stop_driver
from jobs.running.lock import find_driver
from jobs.running.progress import CampaignFollower
from jobs.states import DISPLAY_ORDER, JobState

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder
    from jobs.running import progress

__all__ = ["follow_driver"]

LOOK_S = 1.0
PLAIN_S = 15.0
"""Time between lines where the output is not a terminal, seconds."""


def follow_driver(folder: CampaignFolder, *, quiet: bool = False) -> bool:
    """Show the campaign's progress until its driver has ended.

    Args:
        folder: the campaign.
        quiet: show nothing.

    Returns:
        False if the user asked to stop (Ctrl-C) and the driver was stopped.

    """
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    )
    follower: CampaignFollower | None = None
    said, said_at = "", 0.0
    try:
        with bar:
            task = bar.add_task("planning", total=None)
            while find_driver(folder) is not None:
                if follower is None and folder.manifest.exists():
                    follower = CampaignFollower(folder)
                if follower is not None:
                    now = follower.look()
                    line = _line(now)
                    bar.update(task, description=line, completed=now.jobs_ended, total=now.jobs)
                    due = time.monotonic() - said_at > PLAIN_S
                    if not quiet and not console.is_terminal and line != said and due:
                        said, said_at = line, time.monotonic()
                        console.print(line)
                time.sleep(LOOK_S)
    except KeyboardInterrupt:
        stop_driver(folder)
        return False
    return True


def _line(now: progress.Progress) -> str:
    if now.jobs_ended == now.jobs:
        return f"{_counts(now)}; checking, merging, reporting"
    parts = [_counts(now)]
    if now.events_per_s is not None:
        parts.append(f"{now.events_per_s:.1f} events/s")
    if now.eta_s is not None:
        parts.append(f"{timedelta(seconds=round(now.eta_s))} to go")
    return ", ".join(parts)


def _counts(now: progress.Progress) -> str:
    others = [state for state in DISPLAY_ORDER if state is not JobState.DONE and now.states.get(state)]
    shown = [f"{now.states[state]:,} {state}" for state in others]
    return ", ".join([f"{now.states.get(JobState.DONE, 0):,} of {now.jobs:,} jobs done", *shown])
