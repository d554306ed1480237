"""The page on metrics says what the page for Prometheus has, metric by metric."""

from __future__ import annotations

from monitoring.prometheus.exposition import ALL_METRICS
from tests.test_docs_records import tables


def test_every_metric_is_listed_as_it_is() -> None:
    """Name, type, unit, labels, meaning and source of each metric, in the order in which they are given."""
    listed = [row for table in tables("metrics.md") for row in table]
    assert listed == [
        [
            f"`{metric.name}`",
            metric.kind,
            metric.unit,
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.text,
            metric.source,
        ]
        for metric in ALL_METRICS
    ]
