"""Watches pages for those who have them open: each page once, however many listen, and none for nobody.

A listener is told what changed since it was last told, not what happened in between: a slow one gets the latest.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import orjson

from monitoring.serve.make_page import make_panel, page_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from monitoring.panels.panel import PanelMaker, Recipe
    from monitoring.serve.address import Address
    from monitoring.serve.make_page import MadePanel
    from monitoring.serve.recipes import Recipes

__all__ = ["News", "Watcher", "Watchers"]

RENEW_S = 4.0
"""How often it is asked which panels a page has, and when the collector wrote, seconds."""

FIRST_LOOK_S = 0.25
"""How long the first panels of a page wait for more, seconds."""

HEARD_EVERY_S = 10.0
"""How often listeners are told when the collector wrote, where nothing else is new, seconds."""

MOST_WORK = 0.25
"""Share of its time that a panel may be in the making: a slow one is made less often."""


@dataclass(frozen=True)
class News:
    """What a listener has not been told yet.

    Attributes:
        version: up to which this goes; larger is newer.
        event: `page` for a whole page, `panels` for those panels that changed.
        json: the page, or time and panels.

    """

    version: int
    event: str
    json: bytes


class Watcher:
    """One page, made again and again.

    Args:
        address: of the page.
        recipes: finds its recipe.
        workers: threads in which panels are made.

    """

    def __init__(self, address: Address, recipes: Recipes, workers: Executor) -> None:
        self._address = address
        self._recipes = recipes
        self._workers = workers
        self._recipe: Recipe | None = None
        self._makers: dict[str, PanelMaker] = {}
        self._made: dict[str, MadePanel] = {}
        self._changed: dict[str, int] = {}
        self._whole = 0
        self._version = 0
        self._at = 0.0
        self._heard_at: float | None = None
        self._heard_told: float | None = None
        self._woken = asyncio.Event()

    async def follow(self) -> None:
        """Go on until cancelled."""
        recipe = await self._look()
        while True:
            await self._begin(recipe)
            panels = [asyncio.create_task(self._keep(maker.key)) for maker in recipe.makers]
            try:
                recipe = await self._until_another(recipe)
            finally:
                for panel in panels:
                    panel.cancel()
                await asyncio.gather(*panels, return_exceptions=True)

    async def wait(self, version: int) -> News:
        """Return what is newer than a version, as soon as there is something; 0 for the whole page."""
        while self._version <= version or self._recipe is None:
            await self._woken.wait()
        if version < self._whole:
            made = list(self._made.values())
            return News(self._version, "page", page_json(self._address, self._recipe, self._at, self._heard_at, made))
        panels = [orjson.Fragment(self._made[key].json) for key, at in self._changed.items() if at > version]
        news = {"at": self._at, "heard_at": self._heard_at, "panels": panels}
        return News(self._version, "panels", to_json(news))

    async def _begin(self, recipe: Recipe) -> None:
        """Make all panels; whoever opens the page gets those at its head as soon as they are there."""
        loop = asyncio.get_running_loop()
        making = [loop.run_in_executor(self._workers, make_panel, maker) for maker in recipe.makers]
        first, shown = self._recipe is None, 0
        while shown < len(making):
            await asyncio.wait(making, timeout=FIRST_LOOK_S if first else None)
            ready = [future.result() for future in takewhile(asyncio.Future.done, making)]
            if len(ready) > shown:
                shown = len(ready)
                self._show(recipe, ready)
        if not making:
            self._show(recipe, [])

    def _show(self, recipe: Recipe, made: Sequence[MadePanel]) -> None:
        self._recipe = recipe
        self._makers = {maker.key: maker for maker in recipe.makers}
        self._made = {one.panel.key: one for one in made}
        self._changed = dict.fromkeys(self._made, 0)
        self._whole = self._version + 1
        self._tell()

    async def _keep(self, key: str) -> None:
        """Make one panel again and again."""
        loop = asyncio.get_running_loop()
        while True:
            before = self._made[key]
            await asyncio.sleep(max(self._makers[key].every_s, before.took_s / MOST_WORK))
            made = await loop.run_in_executor(self._workers, make_panel, self._makers[key], before.panel.title)
            self._made[key] = made
            if made.json != before.json:
                self._changed[key] = self._version + 1
                self._tell()

    async def _until_another(self, recipe: Recipe) -> Recipe:
        """Return the recipe as soon as it is for a page with other panels."""
        while True:
            await asyncio.sleep(RENEW_S)
            new = await self._look()
            if _outline(new) != _outline(recipe):
                return new
            self._makers = {maker.key: maker for maker in new.makers}
            if self._heard_at != self._heard_told and (
                self._heard_told is None
                or self._heard_at is None
                or abs(self._heard_at - self._heard_told) >= HEARD_EVERY_S
            ):
                self._tell()

    async def _look(self) -> Recipe:
        loop = asyncio.get_running_loop()
        self._heard_at = await loop.run_in_executor(self._workers, self._recipes.heard_at, self._address)
        return await loop.run_in_executor(self._workers, self._recipes.find_or_say, self._address)

    def _tell(self) -> None:
        self._version += 1
        self._at, self._heard_told = time.time(), self._heard_at
        self._woken.set()
        self._woken = asyncio.Event()


def _outline(recipe: Recipe) -> object:
    return recipe.title, recipe.crumbs, [maker.key for maker in recipe.makers]


class Watchers:
    """The pages that somebody has open, and who listens; used in the event loop.

    Args:
        recipes: finds recipes.
        workers: threads in which panels are made.

    """

    def __init__(self, recipes: Recipes, workers: Executor) -> None:
        self._recipes = recipes
        self._workers = workers
        self._open: dict[Address, tuple[Watcher, asyncio.Task[None], int]] = {}
        self._listeners: set[asyncio.Task[None]] = set()
        self._over = False

    @property
    def watched(self) -> frozenset[Address]:
        """Pages that are made again and again at this moment."""
        return frozenset(self._open)

    @contextlib.contextmanager
    def listening(self, address: Address) -> Iterator[Watcher]:
        """Have a page watched; with the last who listens, that ends."""
        if address not in self._open:
            watcher = Watcher(address, self._recipes, self._workers)
            self._open[address] = (watcher, asyncio.create_task(watcher.follow()), 0)
        watcher, task, listeners = self._open[address]
        self._open[address] = (watcher, task, listeners + 1)
        try:
            yield watcher
        finally:
            watcher, task, listeners = self._open[address]
            if listeners > 1:
                self._open[address] = (watcher, task, listeners - 1)
            else:
                del self._open[address]
                task.cancel()

    def serve(self, listener: asyncio.Task[None]) -> None:
        """Keep a task that tells a listener, to be cancelled when the server ends."""
        self._listeners.add(listener)
        listener.add_done_callback(self._listeners.discard)
        if self._over:
            listener.cancel()

    def close(self) -> None:
        """Let every listener go: an open stream would keep the server from ending."""
        self._over = True
        for listener in tuple(self._listeners):
            listener.cancel()
