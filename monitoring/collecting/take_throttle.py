"""What the throttle decided and what people changed, into the store: budgets, shares, what keeps sites from more."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobs.errors import CampaignError
from jobs.throttle.in_force import grid_in_force
from jobs.throttle.state import read_state
from monitoring.collecting.tail import read_position, read_stretch, write_position

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.spec.site import Grid
    from monitoring.collecting.batch import Batch

__all__ = ["take_throttle"]

_DECISION = ("site", "budget_mbps", "mbps_per_job", "origin", "admitted", "binds", "reason")
_EDIT = ("who", "file", "key", "from", "to")


def take_throttle(batch: Batch, folder: CampaignFolder) -> None:
    """Take what is new in the throttle's diary, in that of the site configs, and in what both say of now."""
    _take_lines(batch, folder.throttle_log, lambda line: _take_decision(batch, line))
    _take_lines(batch, folder.site_edits, lambda line: _note(batch, "edits", line, _EDIT))
    _take_latest(batch, "throttle", folder.throttle, lambda: _throttle(folder))
    _take_latest(batch, "grid", folder.sites, lambda: _grid(folder))


def _take_lines(batch: Batch, path: Path, take: Callable[[dict[str, Any]], None]) -> None:
    source = str(path)
    before = read_position(batch.connection, path.name)
    try:
        stretch = read_stretch(path, before, b"\n")
    except OSError as error:
        batch.notes.say(source, f"{path}: cannot be read now: {error.strerror}", batch.now, standing=True)
        return
    batch.notes.settle(source)
    if stretch.note:
        batch.notes.say(source, stretch.note, batch.now)
    for line in stretch.data.splitlines():
        try:
            take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            batch.notes.say(source, f"{path}: lines of it cannot be read; they are passed over", batch.now)
    if stretch.position != before:
        write_position(batch.connection, path.name, stretch.position)


def _take_decision(batch: Batch, line: dict[str, Any]) -> None:
    """What is set aside has a line of its own kind; what is aside now is in the throttle's state."""
    if "aside" not in line:
        _note(batch, "decisions", line, _DECISION)


def _note(batch: Batch, table: str, line: dict[str, Any], names: tuple[str, ...]) -> None:
    at = datetime.fromisoformat(line["at"]).timestamp()
    marks = ", ".join("?" * (1 + len(names)))
    values = (at, *(line[name] for name in names))
    batch.connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)


def _take_latest(batch: Batch, name: str, path: Path, read: Callable[[], str]) -> None:
    """Take a file whole, if it is another than the one that was taken last."""
    try:
        at = path.stat().st_mtime
        row = batch.connection.execute("SELECT at FROM latest WHERE name = ?", (name,)).fetchone()
        if row is not None and row[0] == at:
            return
        text = read()
    except FileNotFoundError:
        return
    except (CampaignError, OSError) as error:
        batch.notes.say(str(path), f"{path}: {error}; what it said before is shown on", batch.now, standing=True)
        return
    batch.notes.settle(str(path))
    batch.connection.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?)", (name, at, text))


def _throttle(folder: CampaignFolder) -> str:
    state = read_state(folder)
    return state.model_dump_json() if state else "{}"


def _grid(folder: CampaignFolder) -> str:
    grid = grid_in_force(folder)
    return json.dumps(_plain(grid) if grid else {})


def _plain(grid: Grid) -> dict[str, Any]:
    """Return the part of the site configs in force that the dashboard needs, Mb/s and jobs."""
    sites = {
        name: {
            "budget_mbps": site.budget_mbps,
            "rate_mbps": site.uplink_mbps,
            "campaign_share": site.campaign_share,
            "shared_links": list(site.shared_links),
            "gpu_pool": site.gpu_pool or "",
            "most_jobs": site.most_jobs,
        }
        for name, site in grid.sites.items()
    }
    budgets = {name: link.budget_mbps for name, link in grid.links.shared_links.items()}
    links = {
        name: {"rate_mbps": link.rate_mbps, "campaign_share": link.campaign_share}
        for name, link in grid.links.shared_links.items()
    }
    pools = {name: pool.most_jobs for name, pool in grid.links.gpu_pools.items()}
    return {"sites": sites, "shared_links": budgets, "links": links, "gpu_pools": pools}
