"""For how long the inference servers worked on a campaign's events, by their own metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["server_s_per_event"]

_SUCCESS = "nv_inference_request_success"
_RUNS = "nv_inference_exec_count"
_COMPUTE = tuple(f"nv_inference_compute_{part}_duration_us" for part in ("input", "infer", "output"))


def server_s_per_event(connection: sqlite3.Connection) -> float | None:
    """Return the seconds for which one server works on an event, mean over the time of which there are samples.

    Triton counts the time of a run of the network once for every request in it; the time per request is taken times
    the number of runs. What other clients asked for meanwhile is in it. None without samples, or without heartbeats of
    the same time.
    """
    metrics = (_SUCCESS, _RUNS, *_COMPUTE)
    rows = connection.execute(
        # A server that was started again counts from nothing.
        "SELECT metric, sum(CASE WHEN value >= before THEN value - before ELSE value END), min(since), max(at) "
        "FROM (SELECT metric, at, value, lag(value) OVER one AS before, lag(at) OVER one AS since "
        "FROM series JOIN samples ON samples.series = series.id "
        f"WHERE metric IN ({', '.join('?' * len(metrics))}) "
        "WINDOW one AS (PARTITION BY samples.series ORDER BY at)) WHERE before IS NOT NULL GROUP BY 1",
        metrics,
    ).fetchall()
    grown = {metric: value for metric, value, _, _ in rows}
    answered, runs = grown.get(_SUCCESS, 0.0), grown.get(_RUNS, 0.0)
    if not answered or not runs:
        return None
    begin, end = min(row[2] for row in rows), max(row[3] for row in rows)
    events = connection.execute(
        "SELECT sum(events) FROM rollups WHERE bin_s = 60 AND at >= ? AND at < ? AND flavour = 'gpu'",
        (int(begin // 60) * 60, end),
    ).fetchone()[0]
    compute_s = 1e-6 * sum(grown.get(metric, 0.0) for metric in _COMPUTE)
    return compute_s / answered * runs / events if events else None
