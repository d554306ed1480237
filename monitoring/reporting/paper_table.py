"""The table for a paper: a row for each site and one for all, from the records; the use of links from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitoring.live.bins import Bins
from monitoring.live.budgets import budgets_of
from monitoring.live.quantities import over_time
from monitoring.live.rates import MBPS_PER_BYTE_S
from monitoring.live.server_work import server_s_per_event
from monitoring.numbers import Interval, PaperRow, PaperTable
from monitoring.store.schema import BIN_S
from monitoring.throughput import median_interval, seconds_per_event, speed_up_in_all

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitoring.attempts import Attempts
    from monitoring.numbers import FailedJob

__all__ = ["TOTAL", "paper_table"]

TOTAL = "all"


def paper_table(
    connection: sqlite3.Connection, attempts: Attempts, counted: Attempts, failed: Sequence[FailedJob]
) -> PaperTable:
    """Return the table.

    Args:
        connection: of the campaign's store.
        attempts: all of them.
        counted: one successful attempt per job.
        failed: jobs that failed for good.

    """
    gpu_s = server_s_per_event(connection)
    sites = sorted({*attempts.site.present(), *(job.site for job in failed)})
    rows = [
        _row(
            connection,
            site,
            attempts.where(attempts.site.equals(site)),
            counted.where(counted.site.equals(site)),
            sum(job.site == site for job in failed),
            gpu_s,
        )
        for site in sites
    ]
    return PaperTable(
        rows=tuple(rows),
        total=_row(connection, TOTAL, attempts, counted, len(failed), gpu_s),
        gpu_s_per_event=gpu_s,
    )


def _row(
    connection: sqlite3.Connection,
    site: str,
    attempts: Attempts,
    counted: Attempts,
    jobs_failed: int,
    gpu_s: float | None,
) -> PaperRow:
    gpu = counted.where(counted.flavour.equals("gpu"))
    events = int(gpu.events.sum())
    mean_mbps, peak_mbps, mean_used, peak_used = _link(connection, site, attempts)
    return PaperRow(
        site=site,
        jobs=len(counted),
        events=int(counted.events.sum()),
        attempts_failed=int((~attempts.done).sum()),
        jobs_failed=jobs_failed,
        wall_hours=float(attempts.wall_s.sum()) / 3600,
        cpu_hours=float(attempts.cpu_s.sum()) / 3600,
        mean_mbps=mean_mbps,
        peak_mbps=peak_mbps,
        mean_of_budget=mean_used,
        peak_of_budget=peak_used,
        speed_up=speed_up_in_all(counted),
        cpu_threads_per_gpu=_threads_per_gpu(gpu, gpu_s),
        requests=int(attempts.requests.sum()),
        sent_bytes_per_event=int(gpu.bytes_sent.sum()) / events if events else None,
    )


def _threads_per_gpu(gpu: Attempts, gpu_s: float | None) -> Interval | None:
    """Return how many jobs of one thread keep one GPU busy.

    As in Wang et al., Front. Big Data 3 (2021) 604083 (arXiv:2009.04509), which found 68: the time of an event in a job
    over the time for which a GPU works on it.
    """
    seconds = median_interval(seconds_per_event(gpu))
    if seconds is None or not gpu_s:
        return None
    return Interval(value=seconds.value / gpu_s, low=seconds.low / gpu_s, high=seconds.high / gpu_s)


def _link(
    connection: sqlite3.Connection, site: str, attempts: Attempts
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return mean and peak Mb/s, and both as parts of the budget; that of all sites together nobody has set."""
    sent_bytes = int(attempts.bytes_sent.sum())
    if not sent_bytes:
        return None, None, None, None
    begin, end = float(attempts.started.min()), float(attempts.ended.max())
    mean_mbps = sent_bytes * MBPS_PER_BYTE_S / max(end - begin, 1.0)
    first = int(begin // BIN_S) * BIN_S
    bins = Bins(BIN_S, tuple(range(first, int(max(end, first)) + BIN_S, BIN_S)), BIN_S)
    series = over_time(connection, bins, "sent_mbps", sites=() if site == TOTAL else (site,))
    sent = np.array([value or 0.0 for value in series[0].values]) if series else np.zeros(len(bins.starts))
    peak_mbps = float(sent.max()) if sent.any() else None
    if site == TOTAL:
        return mean_mbps, peak_mbps, None, None
    budgets = np.array([value or np.nan for value in budgets_of(connection, site, shared=False).in_bins(bins)])
    if not np.isfinite(budgets).any():
        return mean_mbps, peak_mbps, None, None
    peak_used = float(np.nanmax(sent / budgets)) if peak_mbps is not None else None
    return mean_mbps, peak_mbps, mean_mbps / float(np.nanmean(budgets)), peak_used
