"""Finds files among the outputs that are none: what killed attempts have left, and what somebody else has put there."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.storage.errors import StorageRefused
from jobs.storage.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobs.layout import CampaignFolder
    from jobs.manifest import Manifest
    from jobs.planning.plan import PlanSummary

__all__ = ["find_strangers", "sweep"]


def find_strangers(
    folder: CampaignFolder, summary: PlanSummary, manifest: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with files that no job of the manifest makes, and the names of partial outputs."""
    root = summary.output(folder, "outputs")
    known = {summary.output(folder, name) for name in manifest.output_files}
    try:
        found = [entry.name for entry in open_storage(root).walk(root)]
    except StorageRefused as error:
        return (f"{error}; then run `sonicgrid submit` again",), ()
    strangers = [name for name in found if name not in known]
    leftovers = tuple(name for name in strangers if name.endswith(".part"))
    wrong = (
        f"{name}: no job of this campaign makes this file; move it away"
        for name in strangers
        if not name.endswith(".part")
    )
    return tuple(wrong), leftovers


def sweep(leftovers: Iterable[str]) -> None:
    """Remove partial outputs once no job runs any more; one that cannot be removed is in nobody's way."""
    for name in leftovers:
        with suppress(StorageRefused):
            open_storage(name).remove(name)
