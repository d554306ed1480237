"""The content of a panel by the keys of its columns, facts and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.panels.panel import Facts, Plot, Table

if TYPE_CHECKING:
    from monitoring.panels.panel import Cell, Fact, Line, Panel

__all__ = ["facts_of", "lines_of", "plot_of", "rows_of"]


def facts_of(panel: Panel) -> dict[str, Fact]:
    """Return the facts by key."""
    assert isinstance(panel.content, Facts)
    return {fact.key: fact for fact in panel.content.facts}


def rows_of(panel: Panel) -> list[dict[str, Cell]]:
    """Return the rows of a table, cells by column."""
    assert isinstance(panel.content, Table)
    keys = [column.key for column in panel.content.columns]
    return [dict(zip(keys, row, strict=True)) for row in panel.content.rows]


def plot_of(panel: Panel) -> Plot:
    """Return the plot, whose lines all have a value for each bin."""
    assert isinstance(panel.content, Plot)
    assert all(len(line.values) == len(panel.content.starts) for line in panel.content.lines)
    return panel.content


def lines_of(panel: Panel) -> dict[str, Line]:
    """Return the lines of a plot by key."""
    return {line.key: line for line in plot_of(panel).lines}
