"""A panel as CSV, for spreadsheets and programs: every number as it is, times in UTC, units in the heads.

A cell of text that a spreadsheet would take for a formula begins with an apostrophe, since it may come from a job.
"""

from __future__ import annotations

import contextlib
import csv
import io
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitoring.errors import BadQuery
from monitoring.live.job_page import MOST_LINES
from monitoring.panels.panel import Facts, Plot, Table
from monitoring.panels.shown import Shown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from monitoring.panels.panel import Cell, Panel, Recipe, Unit
    from monitoring.serve.address import Address
    from monitoring.serve.recipes import Recipes

__all__ = ["csv_of_panel", "find_panel", "stream_all_rows"]

_SUFFIX: dict[Unit, str] = {
    "mbps": "_mbps",
    "per_s": "_per_s",
    "per_h": "_per_h",
    "s": "_s",
    "time": "_utc",
    "mb": "_mb",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of_panel(panel: Panel) -> bytes:
    """Return all of a panel: a table's rows, a plot's bins, a fact or a line of a file each in a row of its own."""
    content = panel.content
    if isinstance(content, Table):
        return _lines(_head(content)) + _rows(content)
    if isinstance(content, Plot):
        starts = (_cell(start, "time") for start in content.starts)
        values = zip(*(line.values for line in content.lines), strict=True)
        head = ["start_utc", *(_name(line.key, content.unit) for line in content.lines)]
        filled: Iterable[tuple[Cell, ...]] = values if content.lines else (() for _ in content.starts)
        bins = (
            [start, *(_cell(value, content.unit) for value in row)] for start, row in zip(starts, filled, strict=True)
        )
        return _lines(head, *bins)
    if isinstance(content, Facts):
        facts = (
            [fact.key, *(_cell(value, fact.unit) for value in (fact.value,)), fact.unit]
            + [_cell(bound, fact.unit) for bound in (fact.low, fact.high)]
            for fact in content.facts
        )
        return _lines(["key", "value", "unit", "low", "high"], *facts)
    return _lines(["line", "text"], *([number, _cell(line, "text")] for number, line in enumerate(content.lines, 1)))


def find_panel(recipe: Recipe, key: str) -> int:
    """Return the place of a panel on its page.

    Raises:
        BadQuery: no panel of the page has that key.

    """
    keys = [maker.key for maker in recipe.makers]
    if key not in keys:
        message = f"panel={key}: this page has no such panel; it has: {', '.join(keys)}"
        raise BadQuery(message)
    return keys.index(key)


def stream_all_rows(recipes: Recipes, address: Address, key: str) -> Generator[bytes, None, None]:
    """Yield the CSV of the table of jobs, part by part, of one moment; all in one thread, which holds the store open.

    Rows are in the order of the jobs' numbers, block by block: the store finds those of a block at once, whatever
    comes before them, and a spreadsheet sorts.
    """
    shown = recipes.shown(address)
    with shown.reading() as connection:
        held = _Held(shown.name, shown.folder, shown.store, shown.last_s, connection=connection)
        blocks = [row[0] for row in connection.execute("SELECT block FROM blocks ORDER BY block")]
        if address.wanted.block >= 0:
            blocks = [address.wanted.block]
        head = b""
        for block in blocks:
            offset, total = 0, 1
            while offset < total:
                wanted = replace(address.wanted, block=block)
                part = replace(address, wanted=wanted, sort="job", descending=False, offset=offset, limit=MOST_LINES)
                table = _table(recipes.of_campaign(held, part), key)
                if not head:
                    yield (head := _lines(_head(table)))
                if table.rows:
                    yield _rows(table)
                offset, total = offset + MOST_LINES, table.paging.total if table.paging else 0


def _table(recipe: Recipe, key: str) -> Table:
    content = recipe.makers[find_panel(recipe, key)].make().content
    if not isinstance(content, Table):
        message = f"panel={key}: this panel is no table"
        raise BadQuery(message)
    return content


@dataclass(frozen=True)
class _Held(Shown):
    """A campaign whose store is read as it was at one moment, however often it is read."""

    connection: sqlite3.Connection = field(kw_only=True)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read in the transaction that was begun before."""
        yield self.connection


def _head(table: Table) -> list[str]:
    return [_name(table.columns[place].key, table.columns[place].unit) for place in _places(table)]


def _rows(table: Table) -> bytes:
    places = _places(table)
    return _lines(*([_cell(row[place], table.columns[place].unit) for place in places] for row in table.rows))


def _places(table: Table) -> list[int]:
    """Return which columns are shown."""
    tones = {column.tone for column in table.columns if column.tone}
    return [place for place, column in enumerate(table.columns) if column.key not in tones]


def _name(key: str, unit: Unit) -> str:
    suffix = _SUFFIX.get(unit, "")
    return key if key.endswith(suffix) else key + suffix


def _cell(value: Cell, unit: Unit) -> Cell:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if value is None or value != value:  # the latter is no number
        return None
    if unit == "time":
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


def _lines(*rows: Sequence[Cell]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
