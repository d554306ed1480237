"""A panel of the Grafana dashboard as data, before it is Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Query", "Section", "View"]


@dataclass(frozen=True)
class Query:
    """One or more lines of a panel.

    Attributes:
        expr: in PromQL, with Grafana's variables.
        legend: name of each line, with labels in double braces.
        limit: whether it is a limit, drawn as a dashed line without filling.

    """

    expr: str
    legend: str = ""
    limit: bool = False


@dataclass(frozen=True)
class View:
    """A panel.

    Attributes:
        title: of it.
        kind: as Grafana calls it.
        unit: as Grafana calls it.
        queries: what is drawn.
        note: for people who point at the head.
        width: of 24 columns.
        stacked: whether the lines add up to a whole.

    """

    title: str
    kind: Literal["stat", "timeseries", "bargauge"]
    unit: str
    queries: tuple[Query, ...]
    note: str = ""
    width: int = 12
    stacked: bool = False


@dataclass(frozen=True)
class Section:
    """Panels under one head."""

    title: str
    views: tuple[View, ...]
