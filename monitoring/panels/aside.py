"""Hosts and sites that get no jobs for now because they failed what they got, and the way back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from monitoring.live.links import throttle_now
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import listed, number_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from jobs.throttle.aside import Aside
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "aside"]

EVERY_S = 5.0


def aside(connection: sqlite3.Connection, shown: Shown, now: float, site: str = "") -> Panel:
    """List what is set aside, the newest first: everywhere, or one site and its hosts."""
    del now  # when each is tried again is said as a time
    state = throttle_now(connection)
    found = [one for one in (state.aside if state else ()) if site in ("", one.site, one.name)]
    found.sort(key=lambda one: one.since, reverse=True)
    return Panel(
        "aside",
        "Set aside",
        _lead(found),
        Source(
            "throttle.json: what the throttle keeps jobs off, because everything failed there while other hosts or "
            "sites work. When and why is in throttle.jsonl.",
            (str(shown.folder.throttle), str(shown.folder.throttle_log)),
        ),
        Table(
            (
                Column("kind", "What"),
                Column("name", "Name"),
                Column("site", "Site", link=f"{shown.path}/site/{{site}}"),
                Column("reason", "Why"),
                Column("since", "Since", "time"),
                Column("until", "Tried again", "time", note="by one job, which decides"),
                Column("times", "Times in a row", "count"),
                Column("trial", "Tried now by", note="the job's number in HTCondor's queue"),
                Column("command", "Let jobs there at once", "code"),
            ),
            tuple(_row(one, shown.folder.root) for one in found),
            empty="No host and no site is set aside.",
        ),
        tone="warn" if found else "",
    )


def _lead(found: Sequence[Aside]) -> str:
    if not found:
        return "No host and no site is set aside."
    hosts = [one.name for one in found if one.kind == "host"]
    sites = [one.name for one in found if one.kind == "site"]
    said = [
        f"{number_of(len(names), kind)} ({listed(names)})"
        for names, kind in ((sites, "site"), (hosts, "host"))
        if names
    ]
    verb = "gets" if len(found) == 1 else "get"
    return f"{' and '.join(said)} {verb} no jobs for now. The newest: {found[0].reason}."


def _row(one: Aside, folder: Path) -> tuple[Cell, ...]:
    site = one.name if one.kind == "site" else one.site
    command = f"sonicgrid sites readmit {shlex.quote(one.name)} {shlex.quote(str(folder))}"
    return one.kind, one.name, site or None, one.reason, one.since, one.until, one.times, one.trial or None, command
