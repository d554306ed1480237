"""The page that Prometheus reads: all campaigns of a dashboard, in its text format or in OpenMetrics.

A campaign is all there or, where its store cannot be read, only said to be unreadable: half of its numbers would be
taken for the whole.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from jobs import __version__
from monitoring.errors import MonitoringError
from monitoring.prometheus import campaign_metrics, job_metrics, link_metrics, throughput_metrics
from monitoring.prometheus.metric import Buckets, Metric, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitoring.panels.shown import Shown

__all__ = ["ALL_METRICS", "CONTENT_TYPE", "OPENMETRICS_CONTENT_TYPE", "exposition", "wants_openmetrics"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST

BUILD = Metric(
    "sonicgrid_build_info", "info", "always 1", ("version",), "Which SonicGrid answers.", "the installed package"
)
ALL_METRICS = (
    BUILD,
    *campaign_metrics.METRICS,
    *job_metrics.METRICS,
    *throughput_metrics.METRICS,
    *link_metrics.METRICS,
)
"""In the order of the page."""

_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily | InfoMetricFamily
_log = logging.getLogger(__name__)


def exposition(campaigns: Sequence[Shown], now: float, *, openmetrics: bool = False) -> bytes:
    """Return the page.

    Args:
        campaigns: that are shown.
        now: seconds since the epoch.
        openmetrics: whether in that format, for `OPENMETRICS_CONTENT_TYPE`; otherwise in the text format of
            Prometheus, for `CONTENT_TYPE`.

    """
    registry = CollectorRegistry()
    registry.register(_Campaigns(campaigns, now))
    if openmetrics:
        page: bytes = generate_openmetrics(registry)  # type: ignore[no-untyped-call] # published without types
        return page
    return generate_latest(registry)


def wants_openmetrics(accept: str) -> bool:
    """Return whether who sends this `Accept` header reads OpenMetrics; Prometheus does."""
    return any(part.partition(";")[0].strip() == "application/openmetrics-text" for part in accept.split(","))


class _Campaigns(Collector):
    """What prometheus-client's encoders take."""

    def __init__(self, campaigns: Sequence[Shown], now: float) -> None:
        self._campaigns = campaigns
        self._now = now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing: a registry that asks this does not read every store when it is told of the collector."""
        return ()

    def collect(self) -> Iterator[_Family]:
        """Yield every metric once, with the series of all campaigns; one without any is left out."""
        found: dict[str, list[tuple[str, Reading]]] = {metric.name: [] for metric in ALL_METRICS}
        for shown in self._campaigns:
            for reading in _read(shown, self._now):
                found[reading.metric.name].append((shown.name, reading))
        yield InfoMetricFamily(BUILD.name.removesuffix("_info"), BUILD.text, {"version": __version__})
        for metric in ALL_METRICS:
            if found[metric.name]:
                yield _family(metric, found[metric.name])


def _family(metric: Metric, readings: Iterable[tuple[str, Reading]]) -> _Family:
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
        for campaign, reading in readings:
            if isinstance(reading.value, Buckets):
                ends = [("+Inf" if math.isinf(end) else str(end), count) for end, count in reading.value.up_to]
                histogram.add_metric((campaign, *reading.labels), ends, reading.value.total)
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.text, labels=metric.labels)
    for campaign, reading in readings:
        if not isinstance(reading.value, Buckets):
            family.add_metric((campaign, *reading.labels), reading.value)
    return family


def _read(shown: Shown, now: float) -> list[Reading]:
    """Read one campaign, to its end or not at all."""
    try:
        with shown.reading() as connection:
            return [
                *campaign_metrics.read_campaign(connection, now),
                *job_metrics.read_jobs(connection),
                *throughput_metrics.read_throughput(connection),
                *link_metrics.read_links(connection, now),
            ]
    except (MonitoringError, sqlite3.Error, ValueError, TypeError, KeyError) as error:
        # The three last are of JSON in the store that is not as it should be.
        _log.warning("metrics of %s: %s", shown.name, error)
        return [Reading(campaign_metrics.READABLE, (), 0)]
