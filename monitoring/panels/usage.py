"""What jobs used of what they asked for, so that the next campaign asks for what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.usage import asked_of, usage_by
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import listed, number_of, percent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from monitoring.live.usage import Asked, Quantiles, Usage
    from monitoring.panels.panel import Cell, Tone, Unit
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "usage"]

EVERY_S = 30.0

_NEARLY = 0.9

_KINDS: tuple[tuple[str, str, Unit], ...] = (
    ("run_s", "Run time", "s"),
    ("memory_mb", "Memory", "mb"),
    ("disk_mb", "Disk", "mb"),
)


def usage(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Show run time, memory and disk of attempts that succeeded, by flavour and site, beside what was asked for."""
    del now  # the newest attempts, whenever they ended
    found, asked = usage_by(connection), asked_of(shown.folder)
    tones = [tone for one in found for tone in _tones(one, asked)]
    return Panel(
        "usage",
        "Used of what was asked for",
        _lead(found, asked),
        Source(
            "The newest 5,000 attempts that succeeded: run time and memory by their records, disk by HTCondor's "
            "event of their end, which has it for the newest attempt of a job. What was asked for is in the "
            "campaign's spec.",
            (str(shown.folder.blocks / "*" / "records"), str(shown.folder.spec)),
        ),
        Table(_columns(shown), tuple(_row(one, asked) for one in found), empty="No job is done yet."),
        tone="bad" if "bad" in tones else "warn" if "warn" in tones else "",
    )


def _lead(found: list[Usage], asked: Asked) -> str:
    if not found:
        return "No job is done yet, so nothing is known of what jobs use."
    words: dict[Tone, list[str]] = {"bad": [], "warn": [], "": []}
    for one in found:
        for (_, title, _), (tone, part) in zip(_KINDS, _parts(one, asked), strict=True):
            words[tone].append(
                f"{title.lower()} of {one.flavour} jobs at {one.site or 'no known site'}, {percent(part)}"
            )
    if words["bad"]:
        return f"Some jobs used more than they asked for: {listed(words['bad'])}. HTCondor may hold such a job."
    if words["warn"]:
        return f"Jobs come near what they asked for, 95 % of them below: {listed(words['warn'])}."
    attempts = number_of(sum(one.attempts for one in found), "attempt")
    if asked.memory_mb is None:
        return f"{attempts} are counted; the campaign's spec does not say what jobs ask for."
    return f"Of {attempts}, 95 % stay below {percent(_NEARLY)} of everything that was asked for."


def _of(one: Usage, key: str) -> Quantiles | None:
    found: Quantiles | None = getattr(one, key)
    return found


def _asked(asked: Asked, key: str) -> float | None:
    found: float | None = getattr(asked, key)
    return found


def _tones(one: Usage, asked: Asked) -> list[Tone]:
    return [tone for tone, _ in _parts(one, asked)]


def _parts(one: Usage, asked: Asked) -> Iterator[tuple[Tone, float]]:
    """Yield for each kind whether somebody has to look, and what part of what was asked for is why."""
    for key, _, _ in _KINDS:
        quantiles, wanted = _of(one, key), _asked(asked, key)
        if quantiles is None or not wanted:
            yield "", 0.0
        elif quantiles.largest > wanted:
            yield "bad", quantiles.largest / wanted
        else:
            yield "warn" if quantiles.p95 > _NEARLY * wanted else "", quantiles.p95 / wanted


def _columns(shown: Shown) -> tuple[Column, ...]:
    columns = [
        Column("flavour", "Flavour"),
        Column("site", "Site", link=f"{shown.path}/site/{{site}}"),
        Column("attempts", "Attempts", "count"),
    ]
    for key, title, unit in _KINDS:
        columns += [
            Column(f"{key}_p50", f"{title}, p50", unit),
            Column(f"{key}_p95", f"{title}, p95", unit, tone=f"{key}_tone"),
            Column(f"{key}_largest", f"{title}, largest", unit, tone=f"{key}_tone"),
            Column(f"{key}_asked", f"{title}, asked for", unit),
            Column(f"{key}_tone", ""),
        ]
    columns += [
        Column("cpu_efficiency", "CPU efficiency", "share", note="low is expected while a remote GPU scores"),
        Column("inference_share", "Being scored", "share", note="time in which a job waits for its scores"),
        Column("startup_s", "Start-up, p50", "s", note="until the input was open"),
    ]
    return tuple(columns)


def _row(one: Usage, asked: Asked) -> tuple[Cell, ...]:
    cells: list[Cell] = [one.flavour, one.site or None, one.attempts]
    for (key, _, _), tone in zip(_KINDS, _tones(one, asked), strict=True):
        quantiles = _of(one, key)
        if quantiles is None:
            cells += [None, None, None]
        else:
            cells += [quantiles.p50, quantiles.p95, quantiles.largest]
        cells += [_asked(asked, key), tone]
    return (*cells, one.cpu_efficiency, one.inference_share, one.startup_s.p50)
