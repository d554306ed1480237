"""The attempts of one job, by their records: where, how it ended, where the time went, what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.exits import ExitClass
from monitoring.failures import first_line, meaning_of
from monitoring.live.one_job import attempts_of
from monitoring.live.pool import latency_of
from monitoring.live.rates import MBPS_PER_BYTE_S
from monitoring.panels.job import the_job
from monitoring.panels.panel import Column, Panel, Source, Table
from monitoring.panels.wording import length, number_of

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.one_job import AttemptLine
    from monitoring.panels.panel import Cell
    from monitoring.panels.shown import Shown

__all__ = ["job_attempts"]


def job_attempts(connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel:
    """Return the attempts of a job that left a record, oldest first.

    Raises:
        NoSuchPage: the campaign has no such job.

    """
    row = the_job(connection, shown, number)
    found = attempts_of(connection, number)
    block = shown.folder.block(row.block)
    return Panel(
        key="job-attempts",
        title="Attempts",
        lead=_lead(found),
        source=Source(
            "The job's records, one for each attempt that ended by itself; one that was killed leaves none. Ends are "
            "by the submit machine's clock. Stages overlap: their sum may be more than the run time.",
            tuple(str(block.record(number, one.cluster, one.attempt)) for one in found) or (str(block.records),),
        ),
        content=Table(_columns(shown), tuple(_cells(one) for one in found), empty="No attempt has left a record yet."),
        tone="bad" if found and found[-1].exit_class != ExitClass.DONE else "",
    )


def _lead(found: list[AttemptLine]) -> str:
    if not found:
        return "No attempt has ended yet, or none has left a record."
    last = found[-1]
    took = f"after {length(last.wall_s)}"
    if last.exit_class == ExitClass.DONE:
        return f"{number_of(len(found), 'attempt')}; the last one succeeded {took}."
    row = meaning_of(last.exit_class)
    error = f": {first_line(last.error).rstrip('.')}" if last.error else ""
    ended = f"ended as {last.exit_class} {took}{error}"
    return f"{number_of(len(found), 'attempt')}; the last one {ended}. Must act: {row.who}."


def _columns(shown: Shown) -> tuple[Column, ...]:
    return (
        Column("ended_at", "Ended", "time"),
        Column("exit_class", "Exit class", tone="tone"),
        Column("site", "Site", link=f"{shown.path}/site/{{site}}"),
        Column("host", "Worker", link=f"{shown.path}/jobs?worker={{host}}"),
        Column("flavour", "Flavour"),
        Column("wall_s", "Ran", "s"),
        Column("events", "Events", "count"),
        Column("hits", "Hits", "count"),
        Column("hits_on_cpu", "Hits on CPU", "count", note="scored in the job because no endpoint answered"),
        Column("startup_s", "Start-up", "s", note="until the input was open"),
        Column("read_s", "Read", "s"),
        Column("prepare_s", "Prepare", "s"),
        Column("inference_s", "Inference", "s"),
        Column("write_s", "Write", "s"),
        Column("paced_s", "Paced", "s", note="its share held a request that could have gone"),
        Column("cpu_s", "CPU", "s"),
        Column("max_rss_mb", "Memory", "mb", note="largest resident"),
        Column("sent_mb", "Sent", "mb"),
        Column("received_mb", "Received", "mb"),
        Column("sent_mbps", "Mean rate", "mbps", note="sent on the wire over its run time"),
        Column("requests", "Requests", "count"),
        Column("retries", "Repeated", "count", note="requests that were sent again"),
        Column("latency_p50_s", "Latency p50", "s"),
        Column("latency_p95_s", "Latency p95", "s"),
        Column("endpoint", "Endpoint", "code"),
        Column("cpu_model", "CPU"),
        Column("error", "Error", note="its first line"),
        Column("condor", "Cluster, attempt", "code"),
        Column("tone", ""),
    )


def _cells(one: AttemptLine) -> tuple[Cell, ...]:
    counts = [float(count) for count in one.latency_counts.split(",") if count]
    latency = latency_of(counts, one.latency_s)
    return (
        one.ended_at,
        one.exit_class,
        one.site or None,
        one.host or None,
        one.flavour,
        one.wall_s,
        one.events,
        one.hits,
        one.hits_on_cpu,
        one.startup_s,
        one.read_s,
        one.prepare_s,
        one.inference_s,
        one.write_s,
        one.paced_s,
        one.cpu_s,
        one.max_rss_mb,
        one.bytes_sent * 1e-6,
        one.bytes_received * 1e-6,
        one.bytes_sent * MBPS_PER_BYTE_S / one.wall_s if one.wall_s else None,
        one.requests,
        one.retries,
        latency.p50_s,
        latency.p95_s,
        one.endpoint or None,
        one.cpu_model or None,
        first_line(one.error) or None,
        f"{one.cluster}, {one.attempt}",
        "" if one.exit_class == ExitClass.DONE else "bad",
    )
