"""A site's limits as they are in force, each with the command that changes it.

The command rewrites one line of the site config and applies the folder. As it stands it changes nothing: it holds the
value in force, for a person to put another one in its place. `sonicgrid sites apply` refuses what does not check.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from jobs.errors import CampaignError
from jobs.spec.links import LINKS_FILE
from jobs.spec.site import Site
from jobs.spec.units import RATE
from jobs.throttle.in_force import FIXED_KEYS, grid_in_force, source_in_force
from monitoring.panels.panel import Column, Panel, Source, Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from typing import Any

    from jobs.spec.site import Grid
    from monitoring.panels.panel import Cell, Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "change_command", "counts_for", "site_limits"]

EVERY_S = 5.0

_AT_START = frozenset({"endpoints", "gateway", "largest_request", "tls", "token_file", "wire_format"})
"""Keys that a job is told when it starts."""

_EDITOR = "${EDITOR:-vi}"


def site_limits(connection: sqlite3.Connection, shown: Shown, now: float, site: str) -> Panel:
    """List every key of a site config in force, and those of the links and the GPU pool that it shares."""
    del connection, now  # what is in force stands in a file of the campaign
    rows: list[tuple[Cell, ...]] = []
    tone: Tone = ""
    try:
        grid = grid_in_force(shown.folder)
        folder = source_in_force(shown.folder)
    except CampaignError as error:
        lead, tone = f"The limits cannot be read: {error}", "warn"
    else:
        if grid is None or site not in grid.sites:
            lead = f"No site config of {site} is in force in this campaign: it has no limit here."
        else:
            apply = _apply_command(shown, folder)
            rows = [*_site_rows(grid.sites[site], folder, apply), *_shared_rows(grid, site, folder, apply)]
            budget_mbps = grid.sites[site].budget_mbps
            of_what = "a share of its uplink" if budget_mbps else "campaign_share is 0 %, which closes it"
            lead = f"{site} may fill {RATE.write(budget_mbps)} in all, {of_what}. As they stand the commands change"
            lead += " nothing: put the new value in, and run it on the submit machine. No job is killed by it."
    return Panel(
        "limits",
        "Limits in force",
        lead,
        Source(
            "sites.yaml in the campaign's folder: the site configs that `sonicgrid submit` or `sonicgrid sites apply` "
            "put into force last, with every default. An edit that was not applied is not in it.",
            (str(shown.folder.sites),),
        ),
        Table(
            (
                Column("key", "Key"),
                Column("value", "In force"),
                Column("default", "By default"),
                Column("meaning", "What it is"),
                Column("counts", "A change counts"),
                Column("command", "To change it", "code"),
            ),
            tuple(rows),
            empty="No limit is in force.",
        ),
        tone=tone,
    )


def change_command(file: Path, key: str, value: object, apply: str) -> str:
    """Return the command that gives a key of a site config another value, with the one that it has.

    Args:
        file: of the site config.
        key: of its top level; where its value takes more than a line, the command opens an editor.
        value: as it is written in the file; None where it is not set.
        apply: the command that puts the folder into force.

    """
    if isinstance(value, dict | list) or key in ("endpoints", "shared_links", "tls", "environment"):
        return f"{_EDITOR} {shlex.quote(str(file))} && {apply}"
    line = yaml.safe_dump({key: "VALUE" if value is None else value}, width=10_000, allow_unicode=True).strip()
    path = shlex.quote(str(file))
    # Adds the newline that the last line may lack, so that what follows is a line of its own.
    without = f"sed -i -e {shlex.quote(f'/^{key}:/d')} -e '$a\\' {path}"
    return f"{without} && echo {shlex.quote(line)} >> {path} && {apply}"


def counts_for(key: str) -> str:
    """Return for which jobs a change of a key counts."""
    first = key.partition(".")[0]
    if first in FIXED_KEYS:
        return "for jobs submitted from then on"
    return "for jobs that start from then on" if first in _AT_START else "within 30 s"


def _apply_command(shown: Shown, folder: Path | None) -> str:
    named = f" --sites-folder {shlex.quote(str(folder))}" if folder and folder.is_absolute() else ""
    return f"sonicgrid sites apply {shlex.quote(str(shown.folder.root))}{named}"


def _site_rows(site: Site, folder: Path | None, apply: str) -> list[tuple[Cell, ...]]:
    values: Mapping[str, Any] = site.model_dump(mode="json", by_alias=True)
    plain: Mapping[str, Any] = _defaults(site)
    meanings = {field.alias or name: field.description or "" for name, field in Site.model_fields.items()}
    file = (folder or Path()) / f"{site.name}.yaml"
    # The budget first: it is what people come for.
    order = sorted(values, key=lambda key: key not in ("uplink", "campaign_share"))
    return [
        (
            key,
            _written(values[key]),
            _written(plain[key]) if key in plain else None,
            meanings[key].replace("`", ""),
            counts_for(key),
            change_command(file, key, values[key], apply),
        )
        for key in order
    ]


def _shared_rows(grid: Grid, site: str, folder: Path | None, apply: str) -> list[tuple[Cell, ...]]:
    file = (folder or Path()) / LINKS_FILE
    command = f"{_EDITOR} {shlex.quote(str(file))} && {apply}"
    keys = grid.sites[site]
    named: dict[str, Any] = {
        f"shared_links.{name}": grid.links.shared_links[name]
        for name in keys.shared_links
        if name in grid.links.shared_links
    }
    if keys.gpu_pool in grid.links.gpu_pools:
        named[f"gpu_pools.{keys.gpu_pool}"] = grid.links.gpu_pools[keys.gpu_pool]
    rows: list[tuple[Cell, ...]] = []
    for prefix, model in named.items():
        meanings = {field.alias or name: field.description or "" for name, field in type(model).model_fields.items()}
        for key, value in model.model_dump(mode="json", by_alias=True).items():
            rows.append((f"{prefix}.{key}", _written(value), None, meanings[key], "within 30 s", command))
    return rows


def _defaults(site: Site) -> dict[str, Any]:
    """Return what the keys are where a site config does not name them."""
    least = Site.model_validate({"name": site.name, "endpoints": "embedded", "uplink": "1 Tb/s"})
    return {
        key: value
        for key, value in least.model_dump(mode="json", by_alias=True).items()
        if key not in ("endpoints", "uplink")
    }


def _written(value: object) -> str | None:
    """Return a value as people write it; None where it is not set."""
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items() if inner is not None) or "{}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
