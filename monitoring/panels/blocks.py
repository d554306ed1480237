"""The blocks of a campaign: which are through, which are at work, and where the trouble is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.states import DISPLAY_ORDER, FINAL, JobState
from monitoring.live.states import count_states
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.states import state_columns
from monitoring.panels.wording import number_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from monitoring.live.states import StateCount
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "blocks"]

EVERY_S = 5.0

MOST_ROWS = 50


def blocks(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Count the jobs of each block by state: those first where something is held, failed or at work."""
    del now  # the counts are those of the store
    found: dict[int, dict[str, StateCount]] = {}
    for one in count_states(connection, "block"):
        found.setdefault(int(one.group), {})[one.state] = one
    through = sum(set(here) <= FINAL for here in found.values())
    order = sorted(found, key=lambda block: (*_calm(found[block]), block))
    lead = f"{through:,} of {number_of(len(found), 'block')} are through."
    if len(order) > MOST_ROWS:
        lead += f" {MOST_ROWS} are shown, those with held, failed or running jobs first, and {len(order) - MOST_ROWS:,}"
        lead += " more are not; the CSV has them all."
    return Panel(
        "blocks",
        "Blocks",
        lead,
        Source(
            "The manifest, and the state of each job by HTCondor's event log of its block, or by the block's outcome "
            "once there is one.",
            (str(shown.folder.manifest), str(shown.folder.root / "blocks" / "*" / "events.log")),
        ),
        Table(
            (
                Column("block", "Block", "count", link=f"{shown.path}/jobs?block={{block}}"),
                *state_columns(f"{shown.path}/jobs?block={{block}}&state="),
            ),
            tuple(_row(block, found[block]) for block in order[: shown.at_most(MOST_ROWS)]),
        ),
    )


def _calm(here: Mapping[str, StateCount]) -> tuple[bool, ...]:
    """Return a key that sorts blocks with trouble first, then those at work, those to come, and those that are done."""
    jobs = {state: here[state].jobs if state in here else 0 for state in DISPLAY_ORDER}
    at_work = jobs[JobState.RUNNING] + jobs[JobState.IDLE]
    return (not jobs[JobState.HELD], not jobs[JobState.FAILED], not at_work, not jobs[JobState.PENDING])


def _row(block: int, here: Mapping[str, StateCount]) -> tuple[Cell, ...]:
    jobs = {state: here[state].jobs if state in here else 0 for state in DISPLAY_ORDER}
    events = sum(one.events for one in here.values())
    done = here[JobState.DONE].events if JobState.DONE in here else 0
    return (
        block,
        *jobs.values(),
        sum(jobs.values()),
        events,
        done / events if events else None,
        "warn" if jobs[JobState.HELD] else "",
        "bad" if jobs[JobState.FAILED] else "",
    )
