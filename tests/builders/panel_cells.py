"""What a panel shows, by key, for tests to compare with numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.panels.panel import Facts, Table

if TYPE_CHECKING:
    from monitoring.panels.panel import Cell, Fact, Panel

__all__ = ["facts_of", "rows_of"]


def facts_of(panel: Panel) -> dict[str, Fact]:
    """Return a panel's facts by key."""
    assert isinstance(panel.content, Facts)
    return {fact.key: fact for fact in panel.content.facts}


def rows_of(panel: Panel) -> list[dict[str, Cell]]:
    """Return a panel's rows by column."""
    assert isinstance(panel.content, Table)
    keys = [column.key for column in panel.content.columns]
    return [dict(zip(keys, row, strict=True)) for row in panel.content.rows]
