"""Makes the panels of a page, at the same time in worker threads; one that fails says so, and the others go on."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from monitoring.panels.panel import Page
from monitoring.serve.recipes import problem_panel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor

    from monitoring.panels.panel import Panel, PanelMaker, Recipe
    from monitoring.serve.address import Address
    from monitoring.serve.recipes import Recipes

__all__ = ["MadePanel", "make_page", "make_panel", "make_panels", "page_json", "to_json"]

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True)
class MadePanel:
    """A panel and its JSON.

    Attributes:
        panel: itself.
        json: of it.
        took_s: how long it took to make, seconds.

    """

    panel: Panel
    json: bytes
    took_s: float


def to_json(document: object) -> bytes:
    """Return JSON of plain values and dataclasses; what is not a number is null."""
    return orjson.dumps(document, option=_OPTIONS)


def make_panel(maker: PanelMaker, title: str = "") -> MadePanel:
    """Make one panel, in a worker thread.

    Args:
        maker: of the panel.
        title: what the panel is called if it cannot be made; by default what its key says.

    """
    began = time.monotonic()
    try:
        panel = maker.make()
        made = to_json(panel)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other panels are shown
        panel = problem_panel(maker.key, title, error)
        made = to_json(panel)
    return MadePanel(panel, made, time.monotonic() - began)


async def make_panels(makers: Iterable[PanelMaker], workers: Executor) -> list[MadePanel]:
    """Make panels, in the order of their makers."""
    loop = asyncio.get_running_loop()
    return await asyncio.gather(*(loop.run_in_executor(workers, make_panel, maker) for maker in makers))


async def make_page(recipes: Recipes, address: Address, workers: Executor) -> tuple[Page, bytes]:
    """Make a whole page and its JSON.

    Raises:
        NoSuchPage: there is no such campaign, site or job.

    """
    loop = asyncio.get_running_loop()
    recipe = await loop.run_in_executor(workers, recipes.find, address)
    heard_at = await loop.run_in_executor(workers, recipes.heard_at, address)
    made = await make_panels(recipe.makers, workers)
    page = Page(address.path, recipe.title, recipe.crumbs, time.time(), heard_at, tuple(one.panel for one in made))
    return page, page_json(address, recipe, page.at, heard_at, made)


def page_json(address: Address, recipe: Recipe, at: float, heard_at: float | None, made: Sequence[MadePanel]) -> bytes:
    """Return a `Page` as JSON, of panels whose JSON is there already."""
    return to_json(
        {
            "path": address.path,
            "title": recipe.title,
            "crumbs": recipe.crumbs,
            "at": at,
            "heard_at": heard_at,
            "panels": [orjson.Fragment(one.json) for one in made],
        }
    )
