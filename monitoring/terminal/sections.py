"""Turns panels into lines of a terminal, each by the kind of its content; the states of jobs as one bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from jobs.states import DISPLAY_ORDER
from monitoring.panels.panel import Facts, Plot, Table
from monitoring.terminal.format import printable, titled, write_range
from monitoring.terminal.look import STATE_STYLES, TONE_STYLES
from monitoring.terminal.plot import draw_plot, head_of, newest
from monitoring.terminal.table import draw_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.panel import Fact, Panel
    from monitoring.terminal.look import Look

__all__ = ["Section", "count_jobs", "draw_panel", "draw_states", "shorten", "sum_up"]

_FIRST = ("state", "eta", "ended")
"""Facts that people look for first."""

_IN_THE_BAR = ("jobs_done", "jobs_running", "jobs_failed", "jobs_held")
_IN_A_LOG = ("eta", "events_done", "events_per_s")
_WIDE = 120
"""Columns from which on every note has its place."""


@dataclass(frozen=True)
class Section:
    """One panel as lines.

    Attributes:
        key: of the panel.
        lines: all that there is to show, the most important first.
        least: number of lines below which it says nothing.

    """

    key: str
    lines: tuple[Text, ...]
    least: int


def draw_panel(panel: Panel, look: Look, width: int) -> Section | None:
    """Return a panel's lines, none of them wider than `width` cells; None where it has nothing to show."""
    content = panel.content
    least = 1
    if isinstance(content, Facts):
        lines = _facts(panel, content, look, width)
    elif isinstance(content, Table):
        lines, least = draw_table(panel, content, look, width), 2
    elif isinstance(content, Plot):
        lines = draw_plot(panel.title, content, look, width)
    else:
        lines = [Text(look.text(printable(line))) for line in content.lines]
    return _section(panel.key, lines, least, look, width)


def draw_states(panels: Sequence[Panel], look: Look, width: int) -> Section | None:
    """Return the jobs by state as one bar, in which every state that has a job shows, and its legend in words."""
    counts = count_jobs(panels)
    total = sum(counts.values())
    if not total:
        return None
    head = head_of("Jobs", look)
    room = width - head.cell_len
    cells = {state: max(1, int(room * count / total)) for state, count in counts.items()}
    cells[max(cells, key=lambda state: cells[state])] += room - sum(cells.values())
    bar = Text.assemble(head, *((look.states[state] * cells[state], STATE_STYLES[state]) for state in counts))
    lines = [bar]
    line = Text(" " * head.cell_len)
    for state, count in counts.items():
        piece = Text.assemble((f"{look.states[state]} ", STATE_STYLES[state]), f"{count:,} {state}  ")
        if line.cell_len > head.cell_len and line.cell_len + piece.cell_len - 2 > width:
            lines.append(line)
            line = Text(" " * head.cell_len)
        line = Text.assemble(line, piece)
    return _section("states", [*lines, line], 2, look, width)


def count_jobs(panels: Sequence[Panel]) -> dict[str, int]:
    """Return the jobs in each state that has some: of the table of sites, or of the plot, whichever has them all."""
    counts: dict[str, int] = {}
    for panel in panels:
        found: dict[str, int] = {}
        if panel.key == "states-table" and isinstance(panel.content, Table):
            places = {column.key: place for place, column in enumerate(panel.content.columns)}
            found = {state: _sum_of(panel.content, places[state]) for state in DISPLAY_ORDER if state in places}
        elif panel.key == "states" and isinstance(panel.content, Plot):
            found = {line.key: round(newest(line.values) or 0) for line in panel.content.lines}
        # The plot ends with the last whole bin, and the table has the largest sites alone.
        if sum(found.values()) >= sum(counts.values()):
            counts = {state: found[state] for state in DISPLAY_ORDER if found.get(state)}
    return counts


def _sum_of(table: Table, place: int) -> int:
    return sum(value for row in table.rows if isinstance(value := row[place], int))


def _section(key: str, lines: Sequence[Text], least: int, look: Look, width: int) -> Section | None:
    kept = tuple(shorten(line, look, width) for line in lines)
    return Section(key, kept, min(len(kept), least)) if kept else None


def shorten(line: Text, look: Look, width: int) -> Text:
    """Return a line that is not wider than `width`, with a sign where something is left out."""
    line.rstrip()
    if line.cell_len > width:
        line.truncate(width - 1)
        line.append(look.text("…"))
    return line


def sum_up(panels: Sequence[Panel], look: Look) -> str:
    """Return headline and states in one line, for output that keeps every line."""
    parts = [", ".join(f"{count:,} {state}" for state, count in count_jobs(panels).items())]
    for panel in panels:
        if panel.key == "headline" and isinstance(panel.content, Facts):
            facts = [fact for fact in panel.content.facts if fact.value is not None and fact.key in _IN_A_LOG]
            parts += [f"{fact.title} {titled(fact.title, fact.value, fact.unit)}" for fact in facts]
    return look.text(printable("; ".join(part for part in parts if part)))


def _facts(panel: Panel, content: Facts, look: Look, width: int) -> list[Text]:
    """Put facts side by side, as many as fit into a line; those on jobs are what the bar of states says."""
    lines: list[Text] = []
    if panel.lead:
        lines.append(Text(look.text(printable(panel.lead)), style=TONE_STYLES[panel.tone]))
    line = Text()
    for fact in sorted(content.facts, key=lambda fact: fact.key not in _FIRST):
        if fact.key in _IN_THE_BAR:
            continue
        piece = _fact(fact, look, notes=width >= _WIDE)
        if line and line.cell_len + 3 + piece.cell_len > width:
            lines.append(line)
            line = Text()
        line = Text.assemble(line, "   ", piece) if line else piece
    return [*lines, line] if line else lines


def _fact(fact: Fact, look: Look, *, notes: bool) -> Text:
    value = titled(fact.title, fact.value, fact.unit)
    spread = write_range(fact.low, fact.high, fact.unit)
    told = fact.note if notes or fact.value is None or fact.tone in ("warn", "bad") or spread else ""
    more = ", ".join(printable(part) for part in (spread, told) if part)
    piece = Text(look.text(printable(fact.title)) + " ", style="dim")
    piece = Text.assemble(piece, (look.text(value), f"bold {TONE_STYLES[fact.tone]}".strip()))
    return Text.assemble(piece, (look.text(f" ({more})"), "dim")) if more else piece
