"""Watches a campaign until it ends: makes the panels that are due, and shows them when something has changed."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobs.cli.output import console
from jobs.errors import CampaignError, JobsError
from jobs.running.lock import find_driver
from monitoring.terminal.ended import exit_status_of
from monitoring.terminal.feed import Feed
from monitoring.terminal.keys import Keys
from monitoring.terminal.look import look_of
from monitoring.terminal.picture import Scene, draw_picture, is_drawn
from monitoring.terminal.screen import Screen
from monitoring.terminal.sections import sum_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobs.layout import CampaignFolder
    from monitoring.panels.panel import Panel, Recipe
    from monitoring.panels.shown import Shown

__all__ = ["watch"]

_PLAN_S = 1.0
_PLAIN_SIZE = (100, 60)
"""Columns and lines of the last picture where the output is not a terminal."""


class _Scenes:
    """Makes the panels of a campaign's page, each no more often than its numbers change."""

    def __init__(self, feed: Feed, recipe_of: Callable[[Shown], Recipe]) -> None:
        self._feed, self._recipe_of = feed, recipe_of
        self._made: dict[str, tuple[float, Panel]] = {}

    def now(self, *, every: bool = False) -> Scene:
        """Return the campaign as it is; `every` to make all panels anew."""
        at = time.time()
        panels: list[Panel] = []
        says = _who_works(self._feed)
        try:
            for maker in self._recipe_of(self._feed.shown).makers:
                if not is_drawn(maker.key):
                    continue
                made_at, panel = self._made.get(maker.key, (0.0, None))
                if every or panel is None or at - made_at >= maker.every_s:
                    panel = maker.make()
                    self._made[maker.key] = at, panel
                panels.append(panel)
        except (JobsError, sqlite3.Error) as error:
            # The store is not there yet, or is being made anew: what was seen last stays.
            panels = [panel for _, panel in self._made.values()]
            says = self._feed.problem or ("reading the logs" if not panels else str(error))
        return Scene(self._feed.shown.name, tuple(panels), at, self._feed.heard_at(), says)


def watch(folder: CampaignFolder, recipe_of: Callable[[Shown], Recipe], every_s: float) -> int:
    """Show a campaign until it ends, or until Ctrl-C or `q`.

    Args:
        folder: of the campaign.
        recipe_of: makes the recipe of its page.
        every_s: shortest time between two pictures, seconds.

    Returns:
        0 for a campaign that is complete, 1 for one that ended otherwise, 130 if somebody did not wait for its end.

    Raises:
        CampaignError: it is not planned and nobody plans it, or one of its files is damaged.

    """
    try:
        _wait_for_plan(folder)
        with Feed(folder) as feed:
            scenes = _Scenes(feed, recipe_of)
            if sys.stdout.isatty() and not console.is_dumb_terminal:
                return _on_screen(folder, feed, scenes, every_s)
            return _in_lines(folder, feed, scenes, every_s)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Nobody reads on; and nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _wait_for_plan(folder: CampaignFolder) -> None:
    said = False
    while not folder.manifest.exists():
        if find_driver(folder) is None:
            message = f"{folder.root}: the campaign has not been planned; `sonicgrid submit` with its spec does that"
            raise CampaignError(message)
        if not said:
            console.print("the campaign is being planned")
            said = True
        time.sleep(_PLAN_S)


def _on_screen(folder: CampaignFolder, feed: Feed, scenes: _Scenes, every_s: float) -> int:
    look = look_of(_encoding())
    screen = Screen(sys.stdout, no_color=console.no_color)
    size = _size()

    def resized() -> bool:
        return _size() != size

    with Keys() as keys, _continued() as came_back:
        while True:
            status = exit_status_of(folder)
            if status is not None:
                feed.settle()
            if resized():
                size = _size()
                screen.clear()
            # A character in the last column would have some terminals begin a new line.
            screen.show(draw_picture(scenes.now(every=status is not None), look, size[0] - 1, size[1] - 1))
            if status is not None:
                return status
            if "q" in keys.wait(every_s, lambda: bool(came_back) or resized()):
                return 128 + signal.SIGINT
            if came_back:
                came_back.clear()
                keys.quiet()
                screen.below()


def _in_lines(folder: CampaignFolder, feed: Feed, scenes: _Scenes, every_s: float) -> int:
    """Print a line for each change, and the whole picture at the end."""
    look = look_of(_encoding())
    said = ""
    while True:
        status = exit_status_of(folder)
        if status is not None:
            feed.settle()
            picture = draw_picture(scenes.now(every=True), look, *_PLAIN_SIZE)
            sys.stdout.writelines(line.plain.rstrip() + "\n" for line in picture)
            return status
        line = sum_up(scenes.now().panels, look)
        if line and line != said:
            said = line
            sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
            sys.stdout.flush()
        time.sleep(every_s)


@contextmanager
def _continued() -> Iterator[list[int]]:
    """Note when the program goes on after Ctrl-Z: the terminal shows something else by then."""
    came_back: list[int] = []
    before = signal.signal(signal.SIGCONT, lambda number, _: came_back.append(number))
    try:
        yield came_back
    finally:
        signal.signal(signal.SIGCONT, before)


def _who_works(feed: Feed) -> str:
    if feed.problem:
        return feed.problem
    driver = find_driver(feed.shown.folder)
    return "driver at work" if driver else "no driver at work"


def _size() -> tuple[int, int]:
    """Return columns and lines; what a terminal that does not know its size is taken to have."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 80, 24
    return (size.columns or 80), (size.lines or 24)


def _encoding() -> str:
    """Return the encoding of the terminal: Python writes UTF-8 even where the locale says that it has none."""
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "utf-8")
    spoken = sys.stdout.encoding or "ascii"
    return spoken if "utf" in locale.lower().replace("-", "") or "utf" not in spoken.lower() else "ascii"
