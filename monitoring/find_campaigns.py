"""Finds the campaigns that somebody wants to see: those that were named, and all that lie below a results folder.

It is asked again every few seconds, so that a new campaign shows up by itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.manifest import read_campaign_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["CampaignFinder", "FoundCampaign", "Unusable"]

DEEPEST = 3
"""How many folders below the results folder a campaign may lie."""


@dataclass(frozen=True)
class FoundCampaign:
    """A campaign that is planned.

    Attributes:
        folder: of its results.
        name: as its manifest says; two folders may have the same.

    """

    folder: CampaignFolder
    name: str


@dataclass(frozen=True)
class Unusable:
    """A folder that should hold a campaign, and why it cannot be shown."""

    folder: CampaignFolder
    why: str


class CampaignFinder:
    """Looks for campaigns; a manifest that has not changed is not read again.

    Args:
        named: folders that are wanted whatever is in them.
        results: folder below which every campaign is wanted; None for none.

    """

    def __init__(self, named: Sequence[CampaignFolder], results: Path | None) -> None:
        self._named = tuple(dict.fromkeys(CampaignFolder(folder.root.resolve()) for folder in named))
        self._results = results.resolve() if results else None
        self._read: dict[CampaignFolder, tuple[tuple[int, int], FoundCampaign | Unusable]] = {}

    def look(self) -> tuple[tuple[FoundCampaign, ...], tuple[Unusable, ...]]:
        """Return what there is now, those that were named first, and what cannot be shown."""
        folders = dict.fromkeys(self._named)
        if self._results is not None:
            folders |= dict.fromkeys(_below(self._results, DEEPEST))
        looked = [self._look_at(folder) for folder in folders]
        found = tuple(one for one in looked if isinstance(one, FoundCampaign))
        return found, tuple(one for one in looked if isinstance(one, Unusable))

    def _look_at(self, folder: CampaignFolder) -> FoundCampaign | Unusable:
        try:
            status = folder.manifest.stat()
        except OSError as error:
            if folder.root.is_dir():
                why = "it has no manifest yet; it is shown as soon as the campaign is planned"
            else:
                why = f"the folder is not there ({error.strerror}); it is shown as soon as it is"
            return Unusable(folder, why)
        version = (status.st_mtime_ns, status.st_size)
        before = self._read.get(folder)
        if before is None or before[0] != version:
            self._read[folder] = before = (version, _read(folder))
        return before[1]


def _read(folder: CampaignFolder) -> FoundCampaign | Unusable:
    try:
        return FoundCampaign(folder, read_campaign_name(folder.manifest))
    except CampaignError as error:
        return Unusable(folder, f"{error}; restore the file, or plan the campaign again")


def _below(folder: Path, depth: int) -> Iterator[CampaignFolder]:
    """Yield the folders of campaigns, by name; what lies inside of a campaign is not looked at."""
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError:  # not there yet, or not ours to read
        return
    for name in inside:
        campaign = CampaignFolder(folder / name)
        if campaign.manifest.exists():
            yield campaign
        elif depth > 1 and not campaign.spec.exists():
            yield from _below(campaign.root, depth - 1)
