"""Which campaigns a dashboard shows, each under a name of its own that stays the same while the dashboard runs."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from typing import TYPE_CHECKING

from monitoring.errors import NoSuchPage
from monitoring.panels.shown import Shown
from monitoring.store.place import find_store

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from monitoring.find_campaigns import CampaignFinder, FoundCampaign, Unusable

__all__ = ["Campaigns"]

LOOK_EVERY_S = 3.0
"""Time for which the list is good, seconds; nobody looks while nobody asks."""

_MOST_NAMED = 10
"""Campaigns that an error names, of those that there are."""


class Campaigns:
    """The campaigns that are there, looked for again when somebody asks; from any thread.

    Args:
        finder: of their folders.
        store_folder: where the stores lie; None for the user's own folder.

    """

    def __init__(self, finder: CampaignFinder, store_folder: Path | None = None) -> None:
        self._finder = finder
        self._store_folder = store_folder
        self._lock = threading.Lock()
        self._good_until = 0.0
        self._names: dict[CampaignFolder, str] = {}
        self._shown: tuple[Shown, ...] = ()
        self._unusable: tuple[Unusable, ...] = ()

    def all(self) -> tuple[Shown, ...]:
        """Return all campaigns, those that were named first."""
        self._look()
        return self._shown

    def unusable(self) -> tuple[Unusable, ...]:
        """Return the folders that cannot be shown, and why."""
        self._look()
        return self._unusable

    def get(self, name: str) -> Shown:
        """Return one campaign.

        Raises:
            NoSuchPage: there is none of that name.

        """
        for shown in self.all():
            if shown.name == name:
                return shown
        names = [shown.name for shown in self._shown]
        known = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "") if names else "none yet"
        message = f"{name}: there is no such campaign on this dashboard; there are: {known}"
        raise NoSuchPage(message)

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() < self._good_until:
                return
            found, self._unusable = self._finder.look()
            self._shown = tuple(self._show(campaign) for campaign in found)
            self._good_until = time.monotonic() + LOOK_EVERY_S

    def _show(self, campaign: FoundCampaign) -> Shown:
        name = self._names.get(campaign.folder)
        if name is None:
            name = self._names[campaign.folder] = self._free_name(campaign)
        return Shown(name, campaign.folder, find_store(campaign.folder, campaign.name, self._store_folder))

    def _free_name(self, campaign: FoundCampaign) -> str:
        """Return the campaign's own name, or with a part of its folder's hash where another one has that already."""
        if campaign.name not in self._names.values():
            return campaign.name
        return f"{campaign.name}-{hashlib.sha256(os.fsencode(campaign.folder.root)).hexdigest()[:6]}"
