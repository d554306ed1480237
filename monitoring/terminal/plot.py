"""A plot as lines of a terminal: each series a line of little columns, its newest and its largest value in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from monitoring.terminal.format import printable, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitoring.panels.panel import Plot
    from monitoring.terminal.look import Look

__all__ = ["draw_plot", "head_of", "newest"]

_TITLE_CELLS = 18
_WORDS_CELLS = 36
"""What is kept for words beside a plot, so that plots end at the same column."""


def draw_plot(title: str, plot: Plot, look: Look, width: int) -> list[Text]:
    """Draw the series on one scale; before them their sum, where they add up to something."""
    parts: dict[str, Sequence[float | None]] = {
        line.title: line.values
        for line in plot.lines
        if line.role != "limit" and any(value is not None for value in line.values)
    }
    if not parts:
        return []
    limit = next((newest(line.values) for line in plot.lines if line.role == "limit"), None)
    if len(parts) == 1:
        return _rows({title: next(iter(parts.values()))}, plot, limit, look, width)
    if plot.stacked:
        whole = [_sum(values) for values in zip(*parts.values(), strict=True)]
        return [*_rows({title: whole}, plot, limit, look, width), *_rows(parts, plot, None, look, width)]
    first = next(iter(parts))
    return _rows({f"{title} {first}": parts.pop(first), **parts}, plot, limit, look, width)


def _rows(
    series: Mapping[str, Sequence[float | None]], plot: Plot, limit: float | None, look: Look, width: int
) -> list[Text]:
    top = max(value for values in series.values() for value in values if value is not None)
    lines = []
    for name, values in series.items():
        head = head_of(name, look)
        largest = max(value for value in values if value is not None)
        words = f" {write(newest(values), plot.unit)}, most {write(largest, plot.unit)}"
        if limit is not None:
            words += f", limit {write(limit, plot.unit)}"
        words = look.text(words)
        room = width - head.cell_len
        room -= max(cell_len(words), min(_WORDS_CELLS, room // 2))
        lines.append(Text.assemble(head, (look.columns(values, room, top), "cyan"), words))
    return lines


def newest(values: Sequence[float | None]) -> float | None:
    """Return the last value that is known."""
    return next((value for value in reversed(values) if value is not None), None)


def head_of(title: str, look: Look) -> Text:
    """Return a title in the width that all lines of plots have for it."""
    words = printable(title)
    if cell_len(words) >= _TITLE_CELLS:
        words = set_cell_size(words, _TITLE_CELLS - 2) + "…"
    return Text(look.text(set_cell_size(words, _TITLE_CELLS)), style="bold")


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
