"""How fast a campaign goes: jobs/h, events/s, hits/s, Mb/s, and where its jobs' time goes, over time and now.

Events, hits, Mb/s and shares of time are from heartbeats; jobs/h and CPU efficiency from records. Jobs that fail later
have their part in the former, and none in the latter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from monitoring.store.schema import BIN_S, ENDED_COLUMNS, LIVE_COLUMNS
from sonic.pace import WIRE_OVERHEAD

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from monitoring.live.bins import Bins, Span

__all__ = ["MBPS_PER_BYTE_S", "RateSeries", "Rates", "rates_in", "rates_over_time", "sums_in"]

MBPS_PER_BYTE_S = 8e-6 * WIRE_OVERHEAD
"""Mb/s on the wire, framing included, of a byte per second that is handed to gRPC."""

_COLUMNS = (*LIVE_COLUMNS, *ENDED_COLUMNS)


@dataclass(frozen=True)
class Rates:
    """Of one group and one stretch of time; a quotient of nothing is None.

    Attributes:
        events_per_s, hits_per_s, requests_per_s: that running jobs finished.
        jobs_per_h, failures_per_h: attempts that ended as done, and otherwise.
        sent_mbps: on the wire, towards the inference pool.
        retried_share: requests that were sent again, of those that were answered.
        running: jobs that ran, on average, by what they reported.
        paced_share: part of their time for which their share held a request that could have gone.
        inference_share: part of their time in which an event was being scored.
        sent_mbps_per_job: `sent_mbps` of one job that ran.
        cpu_efficiency: CPU seconds over wall seconds, of attempts that ended.

    """

    events_per_s: float
    hits_per_s: float
    requests_per_s: float
    jobs_per_h: float
    failures_per_h: float
    sent_mbps: float
    retried_share: float | None
    running: float
    paced_share: float | None
    inference_share: float | None
    sent_mbps_per_job: float | None
    cpu_efficiency: float | None


@dataclass(frozen=True)
class RateSeries:
    """Rates of one group, one for each bin; bins in which nothing was said are zero."""

    group: str
    rates: tuple[Rates, ...]


def rates_over_time(
    connection: sqlite3.Connection, bins: Bins, by: Literal["", "site", "flavour"] = ""
) -> list[RateSeries]:
    """Return the rates of each group; the last minute is not complete, as jobs tell of a minute when it is over."""
    sums = ", ".join(f"sum({name})" for name in _COLUMNS)
    rows = connection.execute(
        f"SELECT {by or repr('')}, at / ? * ?, {sums} FROM rollups "
        "WHERE bin_s = ? AND at >= ? AND at < ? GROUP BY 1, 2",
        (bins.bin_s, bins.bin_s, bins.of_store_s, bins.starts[0], bins.end),
    )
    groups: dict[str, dict[int, dict[str, float]]] = {}
    for group, at, *values in rows:
        groups.setdefault(group, {})[bins.place(at)] = dict(zip(_COLUMNS, values, strict=True))
    nothing = dict.fromkeys(_COLUMNS, 0.0)
    return [
        RateSeries(group, tuple(_rates(found.get(place, nothing), bins.bin_s) for place in range(len(bins.starts))))
        for group, found in sorted(groups.items())
    ]


def rates_in(connection: sqlite3.Connection, span: Span, by: Literal["", "site", "flavour"] = "") -> dict[str, Rates]:
    """Return the mean rates in whole minutes of a span, by group."""
    length_s = max(BIN_S, int(span.end // BIN_S) * BIN_S - int(span.begin // BIN_S) * BIN_S)
    return {group: _rates(sums, length_s) for group, sums in sums_in(connection, span, by).items()}


def sums_in(
    connection: sqlite3.Connection, span: Span, by: Literal["", "site", "flavour"] = ""
) -> dict[str, dict[str, float]]:
    """Return the sums over the whole minutes of a span, by group and column of the store."""
    sums = ", ".join(f"sum({name})" for name in _COLUMNS)
    begin = int(span.begin // BIN_S) * BIN_S
    rows = connection.execute(
        f"SELECT {by or repr('')}, {sums} FROM rollups WHERE bin_s = ? AND at >= ? AND at < ? GROUP BY 1",
        (BIN_S, begin, max(begin + BIN_S, int(span.end // BIN_S) * BIN_S)),
    )
    return {row[0]: dict(zip(_COLUMNS, row[1:], strict=True)) for row in rows if row[1] is not None}


def _rates(sums: Mapping[str, float], length_s: float) -> Rates:
    window_s, sent_bytes = sums["window_s"], sums["bytes_sent"]
    return Rates(
        events_per_s=sums["events"] / length_s,
        hits_per_s=sums["hits"] / length_s,
        requests_per_s=sums["requests"] / length_s,
        jobs_per_h=sums["attempts_done"] * 3600 / length_s,
        failures_per_h=sums["attempts_failed"] * 3600 / length_s,
        sent_mbps=sent_bytes * MBPS_PER_BYTE_S / length_s,
        retried_share=_over(sums["retries"], sums["requests"]),
        running=window_s / length_s,
        paced_share=_over(sums["paced_s"], window_s),
        inference_share=_over(sums["inference_s"], window_s),
        sent_mbps_per_job=_over(sent_bytes * MBPS_PER_BYTE_S, window_s),
        cpu_efficiency=_over(sums["cpu_s"], sums["wall_s"]),
    )


def _over(value: float, by: float) -> float | None:
    return value / by if by else None
