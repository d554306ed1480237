"""Turns panels into lines of a terminal, each by the kind of its content; the states of jobs as one bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from monitoring.panels.panel import Facts, Plot, Table
from monitoring.terminal.format import printable, write, write_range
from monitoring.terminal.look import STATE_STYLES, TONE_STYLES
from monitoring.terminal.table import draw_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.panel import Fact, Line, Panel
    from monitoring.terminal.look import Look

__all__ = ["Section", "draw_panel", "shorten", "sum_up"]

_TITLE_CELLS = 18
_WORDS_CELLS = 36
"""What is kept for words beside a plot, so that plots end at the same column."""


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
    if panel.key == "states" and isinstance(content, Plot):
        lines = _states(panel.title, content, look, width)
    elif isinstance(content, Facts):
        lines = _facts(panel, content, look, width)
    elif isinstance(content, Table):
        lines = draw_table(panel, content, look, width)
    elif isinstance(content, Plot):
        lines = _plot(panel.title, content, look, width)
    else:
        lines = [Text(look.text(printable(line))) for line in content.lines]
    lines = [shorten(line, look, width) for line in lines]
    least = min(len(lines), 2 if isinstance(content, Table) or panel.key == "states" else 1)
    return Section(panel.key, tuple(lines), least) if lines else None


def shorten(line: Text, look: Look, width: int) -> Text:
    """Return a line that is not wider than `width`, with a sign where something is left out."""
    line.rstrip()
    if line.cell_len > width:
        line.truncate(width - 1)
        line.append(look.text("…"))
    return line


def sum_up(panels: Sequence[Panel], look: Look) -> str:
    """Return headline and states in one line, for output that keeps every line."""
    parts = []
    for panel in panels:
        if panel.key == "states" and isinstance(panel.content, Plot):
            parts.append(", ".join(f"{count:,} {title}" for _, title, count in _counts(panel.content)))
        elif panel.key == "headline" and isinstance(panel.content, Facts):
            parts += [
                f"{printable(fact.title)} {write(fact.value, fact.unit)}"
                for fact in panel.content.facts
                if fact.value is not None
            ]
    return look.text("; ".join(part for part in parts if part))


def _facts(panel: Panel, content: Facts, look: Look, width: int) -> list[Text]:
    """Put facts side by side, as many as fit into a line."""
    lines: list[Text] = []
    if panel.lead:
        lines.append(Text(look.text(printable(panel.lead)), style=TONE_STYLES[panel.tone]))
    line = Text()
    for fact in content.facts:
        piece = _fact(fact, look)
        if line and line.cell_len + 3 + piece.cell_len > width:
            lines.append(line)
            line = Text()
        line = Text.assemble(line, "   ", piece) if line else piece
    return [*lines, line] if line else lines


def _fact(fact: Fact, look: Look) -> Text:
    value = write(fact.value, fact.unit)
    spread = write_range(fact.low, fact.high, fact.unit)
    more = ", ".join(printable(part) for part in (spread, fact.note) if part)
    piece = Text(look.text(printable(fact.title)) + " ", style="dim")
    piece = Text.assemble(piece, (look.text(value), f"bold {TONE_STYLES[fact.tone]}".strip()))
    return Text.assemble(piece, (look.text(f" ({more})"), "dim")) if more else piece


def _counts(plot: Plot) -> list[tuple[str, str, int]]:
    """Return key, title and number of jobs now of each state that has some."""
    now = [(line.key, printable(line.title), _last(line)) for line in plot.lines if line.role == "state"]
    return [(key, title, round(count)) for key, title, count in now if count]


def _states(title: str, plot: Plot, look: Look, width: int) -> list[Text]:
    """Draw the jobs as one bar, in which every state that has a job shows, and its legend in words."""
    counts = _counts(plot)
    total = sum(count for _, _, count in counts)
    if not total:
        return []
    head = _title(title, look)
    room = width - head.cell_len
    cells = {key: max(1, int(room * count / total)) for key, _, count in counts}
    cells[max(cells, key=lambda key: cells[key])] += room - sum(cells.values())
    bar = Text.assemble(
        head, *((look.states.get(key, "?") * cells[key], STATE_STYLES.get(key, "")) for key, _, _ in counts)
    )
    legend: list[Text] = []
    line = Text(" " * head.cell_len)
    for key, name, count in counts:
        piece = Text.assemble(
            (look.states.get(key, "?") + " ", STATE_STYLES.get(key, "")), look.text(f"{count:,} {name}  ")
        )
        if line.cell_len > head.cell_len and line.cell_len + piece.cell_len - 2 > width:
            legend.append(line)
            line = Text(" " * head.cell_len)
        line = Text.assemble(line, piece)
    return [bar, *legend, line]


def _plot(title: str, plot: Plot, look: Look, width: int) -> list[Text]:
    """Draw each series as a line of little columns on one scale, with its last and its largest value."""
    series = [line for line in plot.lines if line.role != "limit" and any(value is not None for value in line.values)]
    limits = [line for line in plot.lines if line.role == "limit"]
    if not series:
        return []
    top = max((value for line in series for value in line.values if value is not None), default=0.0)
    limit = next((value for line in limits if (value := _last(line)) is not None), None)
    lines = []
    for number, line in enumerate(series):
        name = title if number == 0 and len(series) == 1 else f"{title}: {line.title}" if number == 0 else line.title
        head = _title(name, look)
        largest = max(value for value in line.values if value is not None)
        words = f"{write(_last(line), plot.unit)}, most {write(largest, plot.unit)}"
        if limit is not None:
            words += f", limit {write(limit, plot.unit)}"
        words = look.text(f" {words}")
        room = max(0, width - head.cell_len - max(cell_len(words), min(_WORDS_CELLS, (width - head.cell_len) // 2)))
        lines.append(Text.assemble(head, (look.columns(line.values, room, top), "cyan"), words))
    return lines


def _last(line: Line) -> float | None:
    """Return the newest value that is known."""
    return next((value for value in reversed(line.values) if value is not None), None)


def _title(title: str, look: Look) -> Text:
    words = printable(title)
    if cell_len(words) > _TITLE_CELLS - 1:
        words = set_cell_size(words, _TITLE_CELLS - 2) + "…"
    return Text(look.text(set_cell_size(words, _TITLE_CELLS)), style="bold")
