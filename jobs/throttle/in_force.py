"""The site configs that are in force for a campaign: a copy in its folder, changed only as a whole and on the record.

The files that people edit are not read while jobs run: one that is half edited must not open a link.
"""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict

from jobs.errors import CampaignError
from jobs.replace_file import replace_file
from jobs.seal import seal_yaml, unseal_yaml
from jobs.set_aside import set_aside
from jobs.spec.links import Links
from jobs.spec.site import Grid, Site, load_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.layout import CampaignFolder

__all__ = ["FIXED_KEYS", "Edit", "edits_between", "grid_in_force", "put_in_force", "source_in_force"]

FIXED_KEYS = frozenset({"slots", "environment", "admission"})
"""Keys that stand in the submit description: a change counts for clusters that are submitted afterwards."""


@dataclass(frozen=True)
class Edit:
    """One key that changed.

    Attributes:
        file: site, or `links`.
        key: dotted.
        before, after: as people write them; empty where it was or is not there.

    """

    file: str
    key: str
    before: str
    after: str

    def __str__(self) -> str:
        """One line for people."""
        line = f"{self.file}: {self.key}: {self.before or 'not set'} -> {self.after or 'not set'}"
        return f"{line} (counts for jobs that are submitted from now on)" if self.later else line

    @property
    def later(self) -> bool:
        """Whether clusters that are in the queue keep the old value."""
        return self.key.partition(".")[0] in FIXED_KEYS


class _Document(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = ""
    sites: dict[str, dict[str, Any]]
    links: Links = Links()


def grid_in_force(folder: CampaignFolder) -> Grid | None:
    """Return the sites and links that are in force; None before there are any.

    Raises:
        CampaignError: the file cannot be read.

    """
    found = _read(folder)
    return found[1] if found else None


def source_in_force(folder: CampaignFolder) -> Path | None:
    """Return the folder whose site configs are in force; None before there are any.

    Raises:
        CampaignError: the file cannot be read.

    """
    found = _read(folder)
    return Path(found[0].source) if found else None


def _read(folder: CampaignFolder) -> tuple[_Document, Grid] | None:
    try:
        document = _Document.model_validate(yaml.safe_load(unseal_yaml(folder.sites.read_bytes())))
        sites = {name: Site.model_validate({**keys, "name": name}) for name, keys in document.sites.items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as error:
        message = f"{folder.sites}: not readable; `sonicgrid sites apply` writes it anew: {error}"
        raise CampaignError(message) from error
    return document, Grid(sites, document.links)


def put_in_force(folder: CampaignFolder, sites_folder: Path, names: Sequence[str], asked_by: str) -> list[Edit]:
    """Put the site configs of a folder into force and write down what that changed.

    Args:
        folder: of the campaign.
        sites_folder: where people edit them.
        names: the campaign's sites.
        asked_by: the file that names them.

    Returns:
        What changed; empty if it is in force already.

    Raises:
        ConfigError: with every problem of the configs; what was in force stays so.
        CampaignError: a file cannot be read or written.

    """
    wanted = load_grid(sites_folder, names, asked_by)
    try:
        before = grid_in_force(folder)
        edits = edits_between(before, wanted) if before is not None else []
    except CampaignError:
        set_aside(folder, folder.sites)
        before, edits = None, [Edit(folder.sites.name, "", "damaged", "made anew")]
    if before is not None and not edits:
        return []
    document = {
        "source": str(sites_folder.resolve()),
        "sites": _dump_sites(wanted),
        "links": wanted.links.model_dump(by_alias=True),
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    replace_file(folder.sites, seal_yaml(text.encode()))
    who = f"{_user()}@{os.uname().nodename}"
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with folder.site_edits.open("a", encoding="utf-8") as log:
        for edit in edits:
            line = {"at": at, "who": who, "file": edit.file, "key": edit.key, "from": edit.before, "to": edit.after}
            log.write(json.dumps(line) + "\n")
    return edits


def edits_between(before: Grid, after: Grid) -> list[Edit]:
    """Return every key that differs."""
    old, new = _flat(before), _flat(after)
    return [
        Edit(file, key, old.get((file, key), ""), new.get((file, key), ""))
        for file, key in sorted({*old, *new})
        if old.get((file, key), "") != new.get((file, key), "")
    ]


def _dump_sites(grid: Grid) -> dict[str, dict[str, Any]]:
    return {name: site.model_dump(mode="json", by_alias=True, exclude_none=True) for name, site in grid.sites.items()}


def _flat(grid: Grid) -> dict[tuple[str, str], str]:
    flat: dict[tuple[str, str], str] = {}
    for name, keys in _dump_sites(grid).items():
        flat |= {(name, key): value for key, value in _leaves(keys)}
    flat |= {("links", key): value for key, value in _leaves(grid.links.model_dump(by_alias=True))}
    return flat


def _leaves(keys: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in keys.items():
        if isinstance(value, dict):
            found += _leaves(value, f"{prefix}{key}.")
        else:
            written = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            found.append((f"{prefix}{key}", written))
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account that no file knows
        return str(os.getuid())
