"""Where a campaign stands, as `sonicgrid status` prints it once: states, throttle, holds, driver, verdict."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from rich.markup import escape
from rich.table import Table

from jobs.cli.output import console, emit_json, tell
from jobs.cli.target import find_folder
from jobs.cli.throttle import aside_line, throttle_table
from jobs.errors import CampaignError, PoolError
from jobs.pool.slots import slot_ads
from jobs.results.validate import read_validation
from jobs.results.verdict import state_verdict
from jobs.running.lock import find_driver
from jobs.running.progress import CampaignFollower
from jobs.spec.claims import find_claims
from jobs.states import DISPLAY_ORDER
from jobs.throttle.in_force import grid_in_force
from jobs.throttle.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.layout import CampaignFolder
    from jobs.running.progress import Progress

__all__ = ["show_standing"]

_Said = TypeVar("_Said")

_FRESH_S = 30.0
"""Numbers of the throttle that are younger count as those of now."""


def show_standing(campaign: str, *, as_json: bool) -> None:
    """Print where a campaign stands, as tables or as one JSON document.

    Args:
        campaign: spec, results folder, or name.
        as_json: for programs.

    Raises:
        UsageError: there is no such campaign.

    """
    folder = find_folder(campaign)
    if not folder.manifest.exists():
        driver = find_driver(folder)
        message = "is being planned" if driver else f"has not been planned; `sonicgrid submit {campaign}` does that"
        if as_json:
            emit_json({"folder": str(folder.root), "planned": False, "driver": asdict(driver) if driver else None})
        else:
            tell(f"the campaign {message}")
        return
    driver = find_driver(folder)
    damaged: list[str] = []
    throttle = _unless_damaged(lambda: read_state(folder), damaged)
    homeless = _unless_damaged(lambda: _slots_without_site(folder), damaged)
    progress = CampaignFollower(folder).look()
    verdict = _unless_damaged(lambda: _verdict(folder), damaged) or ""
    if as_json:
        emit_json(
            {
                "folder": str(folder.root),
                "planned": True,
                "driver": asdict(driver) if driver else None,
                "verdict": verdict,
                "throttle": throttle.model_dump(mode="json") if throttle else None,
                "slots_without_site": homeless,
                "damaged": damaged,
                **asdict(progress),
            }
        )
        return
    console.print(_table(folder, progress))
    if throttle is not None:
        console.print(throttle_table(throttle, f"sites {_ago(throttle.at)}"))
        for aside in throttle.aside:
            tell(aside_line(aside), style="yellow")
        if throttle.problem:
            tell(f"the throttle is at its last limits: {throttle.problem}", style="yellow")
    if homeless:
        tell(f"{homeless:,} slots of the pool belong to none of the campaign's sites and get no job", style="yellow")
    for reason, count in progress.hold_reasons.items():
        console.print(f"[yellow]{count} held:[/] {escape(reason)}")
    for line in damaged:
        tell(line, style="yellow")
    at_work = f"at work (process {driver.pid} on {driver.host})" if driver else "not running"
    tell(f"driver: {at_work}; its log: {folder.log}")
    if verdict:
        tell(verdict)
    if folder.missing.exists():
        tell(f"missing: {folder.missing}; why, and what to do: sonicgrid failures {campaign}")
    if folder.report.exists():
        tell(f"report: {folder.report}")


def _unless_damaged(read: Callable[[], _Said], damaged: list[str]) -> _Said | None:
    """Return what a file says; None if it is damaged, which is told and no more: the others still say enough."""
    try:
        return read()
    except CampaignError as error:
        damaged.append(str(error))
        return None


def _verdict(folder: CampaignFolder) -> str:
    return state_verdict(read_validation(folder)) if folder.validation.exists() else ""


def _table(folder: CampaignFolder, progress: Progress) -> Table:
    title = f"{folder.root.name}: {progress.jobs_ended} of {progress.jobs} jobs ended"
    table = Table(title=title, title_justify="left")
    table.add_column("state")
    table.add_column("jobs", justify="right")
    for state in DISPLAY_ORDER:
        if count := progress.states.get(state, 0):
            table.add_row(str(state), f"{count:,}")
    table.add_section()
    table.add_row("events done", f"{progress.events_done:,} of {progress.events:,}")
    return table


def _slots_without_site(folder: CampaignFolder) -> int | None:
    """Return how many slots of the pool no site of the campaign claims; None if there is nobody to ask."""
    grid = grid_in_force(folder)
    if grid is None:
        return None
    try:
        return find_claims(slot_ads(), grid.sites).unclaimed
    except PoolError:
        return None


def _ago(at: float) -> str:
    """Say how old numbers are, in words."""
    age_s = max(0.0, time.time() - at)
    return "now" if age_s < _FRESH_S else f"when the throttle last looked, {timedelta(seconds=round(age_s))} ago"
