"""A panel: one question's answer as data, the same for the page, its JSON and CSV, the terminal and the report.

Whatever shows a panel decides how it looks, and only that: no number is computed after this. Text in it may come from
jobs and files, and is not escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Cell",
    "Column",
    "Content",
    "Crumb",
    "Fact",
    "Facts",
    "Line",
    "Mark",
    "Page",
    "Paging",
    "Panel",
    "PanelMaker",
    "Plot",
    "Recipe",
    "Source",
    "Table",
    "Text",
    "Tone",
    "Unit",
]

Cell = str | int | float | None
"""One value; None where nothing is known, which is never shown as 0."""

Unit = Literal[
    "text",
    "state",  # a JobState
    "count",
    "number",
    "share",  # 0 to 1, shown in per cent
    "mbps",  # Mb/s on the wire
    "per_s",
    "per_h",
    "s",  # a length of time, seconds
    "time",  # seconds since the epoch
    "mb",  # MB
    "code",  # a command or path, to be copied
]
"""What a value is, and so how it is written."""

Tone = Literal["", "good", "warn", "bad"]
"""Whether somebody has to look; always said in words too, never by colour alone."""


@dataclass(frozen=True)
class Source:
    """Where a panel's numbers are from.

    Attributes:
        text: in a sentence: which logs, records or servers, and how they are summed.
        files: paths to look at oneself; for one job, its log and its record.

    """

    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One number in large type.

    Attributes:
        key: its name in JSON and CSV.
        title: what it is, two or three words.
        value: the number, or a word.
        unit: of the value, and of low and high.
        low, high: interval, where the value is uncertain.
        note: a few words under it; why there is no value, where it is None.
        tone: whether somebody has to look.
        link: page that tells more, relative to the root of the dashboard; empty for none.

    """

    key: str
    title: str
    value: Cell
    unit: Unit = "count"
    low: float | None = None
    high: float | None = None
    note: str = ""
    tone: Tone = ""
    link: str = ""


@dataclass(frozen=True)
class Facts:
    """Numbers side by side."""

    facts: tuple[Fact, ...]
    kind: Literal["facts"] = "facts"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: its name in JSON, CSV and links.
        title: its head.
        unit: of its cells.
        link: page for a cell, relative to the root of the dashboard, with other columns of its row in braces
            (`c/demo/job/{job}`); empty for none.
        note: what it is, for people who point at the head.
        bar: whether a bar shows a share of 0 to 1 behind the number.
        tone: key of a column of tones for its cells; that column is not shown.
        sort: whether the server sorts by it.

    """

    key: str
    title: str
    unit: Unit = "text"
    link: str = ""
    note: str = ""
    bar: bool = False
    tone: str = ""
    sort: bool = False


@dataclass(frozen=True)
class Paging:
    """Which part of a long table this is.

    Attributes:
        total: rows in all that pass the filter.
        offset: rows before the first one here.
        limit: most rows of a page.
        sort: column that it is sorted by.
        descending: largest first.

    """

    total: int
    offset: int
    limit: int
    sort: str
    descending: bool


@dataclass(frozen=True)
class Table:
    """Rows and columns; every row has one cell per column.

    Attributes:
        columns: in order; those that are another's tone are not shown.
        rows: cells in the order of the columns.
        empty: what to say when there is no row, which is good news more often than not.
        paging: where the server holds more rows than these.

    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "None."
    paging: Paging | None = None
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Line:
    """One series of a plot.

    Attributes:
        key: its name in JSON and CSV.
        title: its name in the legend.
        values: one per bin; None where nothing is known.
        role: `limit` is drawn as a thin dark line over the others; `state` takes the colour of the job state `key`.

    """

    key: str
    title: str
    values: tuple[float | None, ...]
    role: Literal["", "limit", "state"] = ""


@dataclass(frozen=True)
class Mark:
    """Something that happened, drawn as an upright line with its text.

    Attributes:
        at: seconds since the epoch.
        text: what, who, from what to what.
        kind: `edit`, by a person; `decision`, of the throttle.

    """

    at: float
    text: str
    kind: Literal["edit", "decision"]


@dataclass(frozen=True)
class Plot:
    """Series over time.

    Attributes:
        unit: of all values.
        bin_s: width of a bin, seconds.
        starts: left edges of the bins, seconds since the epoch.
        lines: the series.
        marks: what happened meanwhile.
        stacked: whether the series add up to a whole.
        empty: what to say when there is nothing to draw.

    """

    unit: Unit
    bin_s: int
    starts: tuple[int, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    stacked: bool = False
    empty: str = "Nothing to draw yet."
    kind: Literal["plot"] = "plot"


@dataclass(frozen=True)
class Text:
    """Lines of a file as they are, in a fixed width."""

    lines: tuple[str, ...]
    empty: str = "Nothing was written."
    kind: Literal["text"] = "text"


Content = Facts | Table | Plot | Text


@dataclass(frozen=True)
class Panel:
    """One question's answer.

    Attributes:
        key: its name in addresses; one of a kind on a page.
        title: the question's subject.
        lead: the answer in a sentence, for those who read no plot; may be empty.
        source: where the numbers are from.
        content: the numbers.
        group: panels in a row with the same group stand side by side.
        tone: whether somebody has to look.

    """

    key: str
    title: str
    lead: str
    source: Source
    content: Content
    group: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Crumb:
    """A page above this one."""

    title: str
    link: str


@dataclass(frozen=True)
class PanelMaker:
    """How a panel is made, and how often it is worth it.

    Attributes:
        key: of the panel.
        every_s: how often its numbers can have changed so that a person would see it, seconds.
        make: called in a worker thread.

    """

    key: str
    every_s: float
    make: Callable[[], Panel]


@dataclass(frozen=True)
class Recipe:
    """A page before its panels are made: title and place are known, numbers are not.

    Attributes:
        title: of the page.
        crumbs: pages above, the overview first.
        makers: of its panels, in order.

    """

    title: str
    crumbs: tuple[Crumb, ...]
    makers: tuple[PanelMaker, ...]


@dataclass(frozen=True)
class Page:
    """A page with its numbers.

    Attributes:
        path: its address, relative to the root of the dashboard, with its query.
        title, crumbs: as of its recipe.
        at: when it was made, seconds since the epoch.
        heard_at: when the collector last wrote, seconds since the epoch; None before it ever did.
        panels: in order.

    """

    path: str
    title: str
    crumbs: tuple[Crumb, ...]
    at: float
    heard_at: float | None
    panels: tuple[Panel, ...]
