"""How the inference pool serves a campaign: latency as jobs see it; queue, batches and GPUs as its servers see them.

Latency is what jobs say: their histograms add up, so percentiles over many jobs are right, up to the width of a class.
What servers say is of all their clients, this campaign's or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.live.bins import Span
from monitoring.store.schema import BIN_S, LATENCY_COLUMNS
from sonic.scores import LATENCY_BOUNDS_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitoring.live.bins import Bins

__all__ = ["Latency", "PoolLoad", "latency_in", "latency_of", "latency_over_time", "pool_load", "pool_load_over_time"]


@dataclass(frozen=True)
class Latency:
    """How long requests took from sending to the answer, seconds; None without any request.

    Attributes:
        requests: that were answered.
        mean_s: mean.
        p50_s, p95_s, p99_s: percentiles; 60 stands for that and all that is longer.

    """

    requests: float
    mean_s: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True)
class PoolLoad:
    """What servers measured in a span; None where no server said it.

    Attributes:
        queue_s: mean time of a request in Triton's queue.
        compute_s: mean time in the model: input, network, output.
        batch: inferences in one execution of the model, mean.
        requests_per_s: that Triton answered.
        failures_per_s: that Triton failed.
        in_flight: requests that were at the load balancer's servers, at the last sample, all together.
        pending: requests in Triton's queues, at the last sample.
        servers_healthy: servers that the load balancer sends requests to, at the last sample.
        gpu_use: mean use of all GPUs, 0 to 1, at the last sample; None on a pool without.
        gpu_memory_use: part of the GPUs' memory that is in use.
        received_mbps: Mb/s that the load balancer passed on to its servers.

    """

    queue_s: float | None
    compute_s: float | None
    batch: float | None
    requests_per_s: float | None
    failures_per_s: float | None
    in_flight: float | None
    pending: float | None
    servers_healthy: float | None
    gpu_use: float | None
    gpu_memory_use: float | None
    received_mbps: float | None


def latency_of(counts: Sequence[float], latency_s: float) -> Latency:
    """Return the percentiles of a histogram, inside a class by a straight line.

    Args:
        counts: requests by class, as `sonic.scores.LATENCY_COUNTS` says.
        latency_s: sum over the requests, seconds.

    """
    requests = float(sum(counts))
    if not requests > 0:
        return Latency(0.0, None, None, None, None)
    p50_s, p95_s, p99_s = (_quantile(counts, part * requests) for part in (0.50, 0.95, 0.99))
    return Latency(requests, latency_s / requests, p50_s, p95_s, p99_s)


def latency_in(connection: sqlite3.Connection, span: Span, site: str = "") -> Latency:
    """Return the latency in whole minutes of a span, at one site or at all."""
    row = connection.execute(
        f"SELECT {_SUMS} FROM rollups WHERE bin_s = ? AND at >= ? AND at < ? AND ? IN ('', site)",
        (BIN_S, int(span.begin // BIN_S) * BIN_S, span.end, site),
    ).fetchone()
    return _latency(row)


def latency_over_time(connection: sqlite3.Connection, bins: Bins, site: str = "") -> list[Latency]:
    """Return the latency in each bin, at one site or at all."""
    rows = connection.execute(
        f"SELECT at / ? * ? AS bin, {_SUMS} FROM rollups "
        "WHERE bin_s = ? AND at >= ? AND at < ? AND ? IN ('', site) GROUP BY bin",
        (bins.bin_s, bins.bin_s, bins.of_store_s, bins.starts[0], bins.end, site),
    )
    found = {bins.place(row[0]): _latency(row[1:]) for row in rows}
    nothing = latency_of((0,) * len(LATENCY_COLUMNS), 0.0)
    return [found.get(place, nothing) for place in range(len(bins.starts))]


def pool_load(connection: sqlite3.Connection, span: Span) -> PoolLoad:
    """Return what the servers measured in a span; sums are compared between its first and its last sample."""
    grown = _Grown(connection, span)
    success = grown.of("nv_inference_request_success")
    memory = grown.last("nv_gpu_memory_total_bytes")
    used = grown.last("nv_gpu_memory_used_bytes")
    compute_us = [grown.of(f"nv_inference_compute_{part}_duration_us") for part in ("input", "infer", "output")]
    return PoolLoad(
        queue_s=_over(grown.of("nv_inference_queue_duration_us"), success, 1e-6),
        compute_s=_over(sum(us for us in compute_us if us is not None), success, 1e-6),
        batch=_over(grown.of("nv_inference_count"), grown.of("nv_inference_exec_count")),
        requests_per_s=grown.per_s("nv_inference_request_success"),
        failures_per_s=grown.per_s("nv_inference_request_failure"),
        in_flight=grown.last("envoy_cluster_upstream_rq_active"),
        pending=grown.last("nv_inference_pending_request_count"),
        servers_healthy=grown.last("envoy_cluster_membership_healthy"),
        gpu_use=grown.last("nv_gpu_utilization", mean=True),
        gpu_memory_use=_over(used, memory),
        received_mbps=_times(grown.per_s("envoy_cluster_upstream_cx_tx_bytes_total"), 8e-6),
    )


def pool_load_over_time(connection: sqlite3.Connection, bins: Bins) -> list[PoolLoad]:
    """Return what the servers measured in each bin; a bin should hold some samples of ten seconds each."""
    return [pool_load(connection, Span(start - BIN_S, start + bins.bin_s)) for start in bins.starts]


class _Grown:
    """By how much sums grew in a span, and where values stood at its end, over all servers."""

    def __init__(self, connection: sqlite3.Connection, span: Span) -> None:
        self._growth: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._last: dict[str, list[float]] = {}
        rows = connection.execute(
            "SELECT series.id, metric, kind, at, value FROM series JOIN samples ON samples.series = series.id "
            "WHERE at >= ? AND at <= ? ORDER BY series.id, at",
            (span.begin, span.end),
        )
        before: tuple[int, float] = (-1, 0.0)
        began = 0.0
        lasts: dict[int, tuple[str, float]] = {}
        for series, metric, kind, at, value in rows:
            if kind != "counter":
                lasts[series] = (metric, value)
                continue
            if before[0] == series:
                # A server that was started again counts from nothing.
                grown = value - before[1] if value >= before[1] else value
                self._growth[metric] = self._growth.get(metric, 0.0) + grown
                self._seconds[metric] = max(self._seconds.get(metric, 0.0), at - began)
            else:
                began = at
            before = (series, value)
        for metric, value in lasts.values():
            self._last.setdefault(metric, []).append(value)

    def of(self, metric: str) -> float | None:
        """Growth of a sum."""
        return self._growth.get(metric)

    def per_s(self, metric: str) -> float | None:
        """The same for a second."""
        return _over(self._growth.get(metric), self._seconds.get(metric))

    def last(self, metric: str, *, mean: bool = False) -> float | None:
        """Last value, summed over the servers, or their mean."""
        values = self._last.get(metric)
        return sum(values) / (len(values) if mean else 1) if values else None


_SUMS = ", ".join(f"sum({name})" for name in (*LATENCY_COLUMNS, "latency_s"))


def _latency(row: Sequence[float | None]) -> Latency:
    *counts, latency_s = (value or 0.0 for value in row)
    return latency_of(counts, latency_s)


def _quantile(counts: Sequence[float], below: float) -> float:
    lower = 0.0
    for count, upper in zip(counts, LATENCY_BOUNDS_S, strict=False):
        if count and below <= count:
            return lower + (upper - lower) * below / count
        below -= count
        lower = upper
    return LATENCY_BOUNDS_S[-1]


def _over(value: float | None, by: float | None, times: float = 1.0) -> float | None:
    return value * times / by if value is not None and by else None


def _times(value: float | None, by: float) -> float | None:
    return None if value is None else value * by
