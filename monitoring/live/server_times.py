"""Where requests spend their time in the servers, bin by bin, summed by the store: weeks of samples never travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring.store.schema import BIN_S

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.bins import Bins

__all__ = ["ServerTimes", "server_times"]

_SUCCESS = "nv_inference_request_success"
_QUEUE = "nv_inference_queue_duration_us"
_COMPUTE = tuple(f"nv_inference_compute_{part}_duration_us" for part in ("input", "infer", "output"))


@dataclass(frozen=True)
class ServerTimes:
    """Means of one bin, seconds; None where no server answered a request in it.

    Attributes:
        queue_s: of a request in Triton's queue.
        compute_s: of a request in the model: input, network, output.

    """

    queue_s: float | None
    compute_s: float | None


def server_times(connection: sqlite3.Connection, bins: Bins) -> list[ServerTimes]:
    """Return the times in each bin, over all servers; what grew between two samples counts for the earlier one's bin.

    Of long bins, but for the last one, only the samples at their edges are compared: sums grow, so those between add
    nothing, but where a server was started again in the middle of one.
    """
    metrics = (_SUCCESS, _QUEUE, *_COMPUTE)
    begin, bin_s = bins.starts[0], bins.bin_s
    rows = connection.execute(
        # A server that was started again counts from nothing.
        "SELECT metric, CAST((before_at - ?) / ? AS INTEGER), "
        "sum(CASE WHEN value >= before THEN value - before ELSE value END) "
        "FROM (SELECT metric, value, lag(value) OVER by_time AS before, lag(at) OVER by_time AS before_at "
        "FROM series JOIN samples ON samples.series = series.id "
        f"WHERE metric IN ({', '.join('?' * len(metrics))}) AND at >= ? AND at < ? "
        "AND (CAST(at - ? AS INTEGER) % ? <= ? OR at >= ?) "
        "WINDOW by_time AS (PARTITION BY samples.series ORDER BY at)) "
        "WHERE before_at IS NOT NULL GROUP BY 1, 2",
        (begin, bin_s, *metrics, begin, bins.end, begin, bin_s, BIN_S, bins.starts[-1]),
    )
    grown = {(metric, place): value for metric, place, value in rows}
    found = []
    for place in range(len(bins.starts)):
        answered = grown.get((_SUCCESS, place), 0.0)
        compute_us = sum(grown.get((metric, place), 0.0) for metric in _COMPUTE)
        queue_us = grown.get((_QUEUE, place), 0.0)
        known = answered > 0
        found.append(
            ServerTimes(1e-6 * queue_us / answered if known else None, 1e-6 * compute_us / answered if known else None)
        )
    return found
