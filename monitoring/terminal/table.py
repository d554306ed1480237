"""A table as lines of a terminal: the columns that fit, in their order, and bars where a share is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from monitoring.terminal.format import printable, write
from monitoring.terminal.look import STATE_STYLES, TONE_STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.panels.panel import Cell, Column, Panel, Table
    from monitoring.terminal.look import Look

__all__ = ["draw_table"]

_GAP = "  "
_WIDEST_WORDS = 40
_NARROWEST_WORDS = 8
_LONGEST_BAR = 30
_FAIR_BAR = 12
_SHORTEST_BAR = 6
_WANTED = {
    "links": ("name", "used", "sent_mbps", "budget_mbps", "running", "binds", "queue"),
    "states-table": ("group", "done_share", "failed", "held", "running", "done"),
}
"""Columns that are kept on a narrow terminal, by the panel's key; of other panels, bars and then the first ones."""

_LEFT = ("text", "state", "code")


@dataclass(frozen=True)
class _Shown:
    """A column with its place among all columns and its cells as words."""

    column: Column
    place: int
    words: tuple[str, ...]
    width: int

    @property
    def left(self) -> bool:
        return self.column.unit in _LEFT


def draw_table(panel: Panel, table: Table, look: Look, width: int) -> list[Text]:
    """Return a head, in which the panel's title stands for that of the first column, and a line for each row.

    An empty table has no line: what is not there needs no place on a small screen.
    """
    if not table.rows:
        return []
    hidden = {column.tone for column in table.columns if column.tone}
    places = [place for place, column in enumerate(table.columns) if column.key not in hidden]
    barred = [
        column.key
        for place, column in enumerate(table.columns)
        if column.bar and any(row[place] is not None for row in table.rows)
    ]
    shown = _fitting(
        [_words(table, place, look, panel.title) for place in places],
        _WANTED.get(panel.key, ()),
        width - _FAIR_BAR * bool(barred),
    )
    if not shown:
        return []
    left = width - sum(one.width for one in shown) - len(_GAP) * (len(shown) - 1)
    bar_cells = min(_LONGEST_BAR, left - 1) if barred and left > _SHORTEST_BAR else 0
    shown = _widen(shown, left - bar_cells - 1)
    tones = {column.key: place for place, column in enumerate(table.columns)}
    head = Text()
    for number, one in enumerate(shown):
        title = panel.title if number == 0 else one.column.title
        cell = _fit(look.text(printable(title)), one, "bold" if number == 0 else "dim", look)
        space = " " * (bar_cells + 1) if one.column.key in barred and bar_cells else ""
        head = Text.assemble(head, _GAP if number else "", space, cell)
    head.stylize(TONE_STYLES[panel.tone] or "none", 0, shown[0].width)
    lines = [head]
    for number, row in enumerate(table.rows):
        line = Text()
        for place, one in enumerate(shown):
            tone = row[tones[one.column.tone]] if one.column.tone in tones else ""
            style = _style(row[one.place], one.column, tone)
            cell = _fit(one.words[number], one, style, look)
            if one.column.key in barred and bar_cells:
                used, free = look.bar(_share(row[one.place]), bar_cells)
                cell = Text.assemble((used, style or "blue"), (free, "bright_black"), " ", cell)
            line = Text.assemble(line, _GAP if place else "", cell)
        lines.append(line)
    return lines


def _words(table: Table, place: int, look: Look, title: str) -> _Shown:
    column = table.columns[place]
    words = tuple(look.text(write(row[place], column.unit)) for row in table.rows)
    head = title if place == 0 else column.title
    width = max(cell_len(printable(head)), *(cell_len(word) for word in words))
    return _Shown(column, place, words, min(width, _WIDEST_WORDS) if column.unit in _LEFT else width)


def _fitting(columns: Sequence[_Shown], wanted: Sequence[str], width: int) -> list[_Shown]:
    """Return the columns that fit side by side, those that are wanted first; words are cut short if need be."""
    chosen: list[_Shown] = []
    room = width

    def rank(one: _Shown) -> tuple[int, bool, int]:
        key = one.column.key
        return wanted.index(key) if key in wanted else len(wanted), not one.column.bar, one.place

    for one in sorted(columns, key=lambda one: (one is not columns[0], rank(one))):
        gap = len(_GAP) if chosen else 0
        least = min(one.width, _NARROWEST_WORDS) if one.left else one.width
        if room - gap >= one.width:
            chosen.append(one)
            room -= gap + one.width
        elif room - gap >= least:
            chosen.append(replace(one, width=room - gap))
            room = 0
    return sorted(chosen, key=lambda one: one.place)


def _widen(columns: Sequence[_Shown], left: int) -> list[_Shown]:
    """Give words that were cut short the cells that are left over, from the last column on."""
    wider = []
    for one in reversed(columns):
        lacks = max(cell_len(word) for word in one.words) - one.width
        more = max(0, min(lacks, left))
        left -= more
        wider.append(replace(one, width=one.width + more))
    return wider[::-1]


def _fit(words: str, one: _Shown, style: str, look: Look) -> Text:
    if cell_len(words) > one.width:
        words = look.text(set_cell_size(words, one.width - 1) + "…")
    pad = " " * (one.width - cell_len(words))
    return Text.assemble((words, style), pad) if one.left else Text.assemble(pad, (words, style))


def _style(value: Cell, column: Column, tone: Cell) -> str:
    if column.unit == "state":
        return STATE_STYLES.get(str(value), "")
    return next((style for known, style in TONE_STYLES.items() if known == tone), "")


def _share(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
