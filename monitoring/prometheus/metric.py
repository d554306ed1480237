"""What a metric is, before it is written in any format: the page and its documentation are made of the same data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BYTES_S_PER_MBPS", "Buckets", "Metric", "Reading"]

BYTES_S_PER_MBPS = 125_000.0
"""Bytes per second in a Mb/s: Prometheus has metrics in base units, and links have Mb/s everywhere else."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: in queries; of a histogram, without its endings.
        kind: type of the metric.
        unit: of its values, in words.
        labels: that its series are told apart by. None ever holds a job's number, a host or free text: each value of a
            label is a series of its own, for ever.
        text: what it is.
        source: where in the store the numbers are from.

    """

    name: str
    kind: Literal["gauge", "counter", "histogram", "info"]
    unit: str
    labels: tuple[str, ...]
    text: str
    source: str


@dataclass(frozen=True)
class Buckets:
    """A histogram.

    Attributes:
        up_to: upper end, and how many values are not above it, of each bucket; the last one has no end.
        total: sum of all values.

    """

    up_to: tuple[tuple[float, float], ...]
    total: float


@dataclass(frozen=True)
class Reading:
    """A metric's value for one set of labels.

    Attributes:
        metric: which.
        labels: values, in the order of the metric's labels, without the campaign, which comes first of them.
        value: in the metric's unit.

    """

    metric: Metric
    labels: tuple[str, ...]
    value: float | Buckets
