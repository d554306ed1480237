"""Metrics of what jobs did since the campaign began: sums that only grow, so that Prometheus makes rates of them.

A store that is begun anew counts from nothing; Prometheus takes that for a restart, as it is.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from jobs.exits import ExitClass
from monitoring.prometheus.metric import Buckets, Metric, Reading
from monitoring.store.schema import LATENCY_COLUMNS, TOTAL_BIN_S
from sonic.scores import LATENCY_BOUNDS_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["METRICS", "read_throughput"]

_HEARTBEATS, _RECORDS = "heartbeats", "records"
_GROUP = ("campaign", "site", "flavour")


def _sum(name: str, unit: str, text: str, source: str = _HEARTBEATS) -> Metric:
    return Metric(f"sonicgrid_{name}_total", "counter", unit, _GROUP, text, source)


_SUMS = {
    "events": _sum(
        "events_processed", "events", "Events that running jobs finished; those of attempts that fail later are in it."
    ),
    "hits": _sum("hits_processed", "hits", "Hits that running jobs got scores for."),
    "hits_on_cpu": _sum(
        "hits_on_cpu", "hits", "Hits whose scores the job computed by itself, in the inference pool's place."
    ),
    "requests": _sum("requests", "requests", "Requests that the inference pool answered."),
    "retries": _sum("request_retries", "requests", "Requests that were sent again."),
    "bytes_sent": _sum("sent_bytes", "bytes", "Bytes of requests to the inference pool, without framing."),
    "window_s": _sum("running_seconds", "seconds", "Time that jobs ran, by what they told of."),
    "paced_s": _sum(
        "paced_seconds", "seconds", "Time for which a job's share alone held a request that could have gone."
    ),
    "inference_s": _sum("inference_seconds", "seconds", "Time in which a job had an event being scored."),
    "prepare_s": _sum("prepare_seconds", "seconds", "Time in which a job prepared events."),
    "write_s": _sum("write_seconds", "seconds", "Time in which a job wrote scores."),
    "bytes_received_done": _sum(
        "received_bytes", "bytes", "Bytes of answers of the inference pool, of attempts that succeeded.", _RECORDS
    ),
    "wall_s": _sum("wall_seconds", "seconds", "Wall time of attempts that ended.", _RECORDS),
    "cpu_s": _sum("cpu_seconds", "seconds", "CPU time of attempts that ended.", _RECORDS),
}
"""By column of the store's rollups."""

ENDED = Metric(
    "sonicgrid_attempts_ended_total",
    "counter",
    "attempts",
    ("campaign", "site", "exit_class"),
    "Attempts of jobs that ended and left a record, by how; docs/reference/exit-codes.md explains the classes.",
    _RECORDS,
)
LATENCY = Metric(
    "sonicgrid_request_latency_seconds",
    "histogram",
    "seconds",
    ("campaign", "site"),
    "Requests by the time from sending to the answer, as jobs see it.",
    _HEARTBEATS,
)
METRICS = (*_SUMS.values(), ENDED, LATENCY)

_COLUMNS = (*_SUMS, "attempts_done", "latency_s", *LATENCY_COLUMNS)
_QUERY = f"SELECT site, flavour, {', '.join(_COLUMNS)} FROM rollups WHERE bin_s = {TOTAL_BIN_S}"
_FAILED = f"SELECT exit_class, site, count(*) FROM attempts WHERE exit_class != '{ExitClass.DONE}' GROUP BY 1, 2"
"""In the words of the store's index of failures, which then answers alone."""

_DECIMALS = 3
"""Of seconds, of which nobody reads more."""


def read_throughput(connection: sqlite3.Connection) -> Iterator[Reading]:
    """Sum up heartbeats and records."""
    done: dict[str, float] = {}
    latency: dict[str, list[float]] = {}
    for site, flavour, *values in connection.execute(_QUERY):
        sums = dict(zip(_COLUMNS, values, strict=True))
        for column, metric in _SUMS.items():
            yield Reading(metric, (site, flavour), round(sums[column], _DECIMALS))
        done[site] = done.get(site, 0.0) + sums["attempts_done"]
        before = latency.setdefault(site, [0.0] * (1 + len(LATENCY_COLUMNS)))
        latency[site] = [a + sums[name] for a, name in zip(before, ("latency_s", *LATENCY_COLUMNS), strict=True)]
    yield from _ended(connection, done)
    for site, (total, *counts) in sorted(latency.items()):
        ends = zip((*LATENCY_BOUNDS_S, float("inf")), accumulate(counts), strict=True)
        up_to = tuple((end, round(count, _DECIMALS)) for end, count in ends)
        yield Reading(LATENCY, (site,), Buckets(up_to, round(total, _DECIMALS)))


def _ended(connection: sqlite3.Connection, done: dict[str, float]) -> Iterator[Reading]:
    """Count attempts by how they ended; a class that did not come up yet is 0, so that its first one is an increase."""
    failed = {(site, exit_class): jobs for exit_class, site, jobs in connection.execute(_FAILED)}
    for site in sorted({*done, *(site for site, _ in failed)}):
        counts = dict.fromkeys(map(str, ExitClass), 0) | {
            name: jobs for (at, name), jobs in failed.items() if at == site
        }
        counts[str(ExitClass.DONE)] = round(done.get(site, 0.0))
        for exit_class, jobs in counts.items():
            yield Reading(ENDED, (site, exit_class), jobs)
