"""From an address to the recipe of its page; where there is none, a page that says why in one sentence."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from monitoring.errors import MonitoringError, NoSuchPage, StoreUnusable
from monitoring.live.heard import collected_at
from monitoring.panels.panel import Column, Crumb, Panel, PanelMaker, Recipe, Source, Table
from monitoring.serve.address import LAST_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.find_campaigns import Unusable
    from monitoring.live.job_page import JobFilter
    from monitoring.panels.shown import Shown
    from monitoring.serve.address import Address
    from monitoring.serve.campaigns import Campaigns

__all__ = ["Pages", "Recipes", "problem_panel"]

_log = logging.getLogger(__name__)

_SELDOM_S = 10.0
_SOON_S = 2.0

_logged: set[str] = set()
_MOST_LOGGED = 1000


class _Jobs(Protocol):
    def __call__(
        self, shown: Shown, wanted: JobFilter, sort: str, *, descending: bool, offset: int, limit: int
    ) -> Recipe: ...


class _Overview(Protocol):
    def __call__(self, campaigns: Sequence[Shown]) -> Recipe: ...


class _Campaign(Protocol):
    def __call__(self, shown: Shown) -> Recipe: ...


class _Site(Protocol):
    def __call__(self, shown: Shown, site: str) -> Recipe: ...


class _Job(Protocol):
    def __call__(self, shown: Shown, number: int) -> Recipe: ...


@dataclass(frozen=True)
class Pages:
    """What makes the recipes; each raises NoSuchPage where there is no such site or job."""

    overview: _Overview
    campaign: _Campaign
    site: _Site
    jobs: _Jobs
    job: _Job


@dataclass(frozen=True)
class Recipes:
    """Finds recipes; called in worker threads."""

    campaigns: Campaigns
    pages: Pages

    def find(self, address: Address, *, every_row: bool = False) -> Recipe:
        """Return the recipe of a page; its tables have all their rows if that is asked, but for the table of jobs.

        Raises:
            NoSuchPage: there is no such campaign, site or job.

        """
        if address.kind == "overview":
            return self._overview()
        shown = replace(self.shown(address), every_row=every_row)
        try:
            if not shown.store.exists():
                # A store that is about to be made is no error.
                return _problem_page(shown.name, _not_begun(shown))
            return self.of_campaign(shown, address)
        except NoSuchPage:
            raise
        except (MonitoringError, sqlite3.Error) as error:
            return _problem_page(shown.name, problem_panel("problem", "", error))

    def find_or_say(self, address: Address) -> Recipe:
        """Return the recipe of a page, which may have gone in the meantime: then a page that says so."""
        try:
            return self.find(address)
        except Exception as error:  # noqa: BLE001 - whoever watches the page has to learn of anything
            return _problem_page(address.campaign or "Campaigns", problem_panel("problem", "", error))

    def of_campaign(self, shown: Shown, address: Address) -> Recipe:
        """Return the recipe of a page, of a campaign that was found before.

        Raises:
            NoSuchPage: there is no such site or job.
            StoreUnusable: the store cannot be read.

        """
        match address.kind:
            case "site":
                return self.pages.site(shown, address.site)
            case "job":
                return self.pages.job(shown, address.job)
            case "jobs":
                return self.pages.jobs(
                    shown,
                    address.wanted,
                    address.sort,
                    descending=address.descending,
                    offset=address.offset,
                    limit=address.limit,
                )
        return self.pages.campaign(shown)

    def shown(self, address: Address) -> Shown:
        """Return the campaign that a page is of, and the stretch of time that is asked.

        Raises:
            NoSuchPage: there is no such campaign.

        """
        return replace(self.campaigns.get(address.campaign), last_s=LAST_S.get(address.last))

    def heard_at(self, address: Address) -> float | None:
        """Return when the collector last wrote of what is on a page, seconds since the epoch; None if it never did."""
        if address.kind == "overview":
            return max((at for shown in self.campaigns.all() if (at := _heard_at(shown)) is not None), default=None)
        try:
            return _heard_at(self.campaigns.get(address.campaign))
        except NoSuchPage:
            return None

    def _overview(self) -> Recipe:
        recipe = self.pages.overview(self.campaigns.all())
        if not self.campaigns.unusable():
            return recipe
        unusable = PanelMaker("unusable", _SELDOM_S, lambda: _unusable(self.campaigns.unusable()))
        return replace(recipe, makers=(*recipe.makers, unusable))


def problem_panel(key: str, title: str, error: Exception) -> Panel:
    """Return a panel in place of one that could not be made; says what is wrong in one sentence."""
    if isinstance(error, MonitoringError):
        lead = str(error)
    elif isinstance(error, sqlite3.Error):
        lead = f"The store cannot be read now: {error}. It is tried again."
    else:
        _log_once(key, error)
        lead = f"This could not be made ({type(error).__name__}: {error}); the dashboard's terminal says where."
    title = title or key.replace("-", " ").capitalize()
    return Panel(key, title, lead, Source("the dashboard itself"), Table((), (), empty=""), tone="bad")


def _log_once(key: str, error: Exception) -> None:
    """Log an error with where it is from; not again each time that the panel is made."""
    text = f"{key}: {error!r}"
    if text not in _logged:
        if len(_logged) >= _MOST_LOGGED:
            _logged.clear()
        _logged.add(text)
        _log.error("panel %s", key, exc_info=error)


def _problem_page(title: str, panel: Panel) -> Recipe:
    return Recipe(title, (Crumb("Campaigns", ""),), (PanelMaker(panel.key, _SOON_S, lambda: panel),))


def _not_begun(shown: Shown) -> Panel:
    lead = (
        "The collector has not begun with this campaign yet; the page fills by itself as soon as it has. "
        f"If it never does, see what `python -m monitoring.collect {shown.folder.root}` says."
    )
    source = Source("the dashboard's store, which is not there yet", (str(shown.store),))
    return Panel("not-begun", "Not collected yet", lead, source, Table((), (), empty=""), tone="warn")


def _unusable(folders: Sequence[Unusable]) -> Panel:
    count = len(folders)
    lead = f"{count} folder{'s' if count != 1 else ''} cannot be shown; the other campaigns are not touched by that."
    columns = (Column("folder", "Folder", "code"), Column("why", "Why"))
    rows = tuple((str(one.folder.root), one.why) for one in folders)
    table = Table(columns, rows, empty="All folders can be shown.")
    return Panel("unusable", "Not shown", lead, Source("the folders' manifests"), table, tone="warn" if rows else "")


def _heard_at(shown: Shown) -> float | None:
    try:
        with shown.reading() as connection:
            return collected_at(connection)
    except (StoreUnusable, sqlite3.Error):
        return None
