"""How the inference pool's servers stand: queue, compute, batches, GPUs, as they measure it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.bins import Span, bins_of
from monitoring.live.pool import pool_load
from monitoring.live.server_times import server_times
from monitoring.panels.latency import seconds
from monitoring.panels.panel import Fact, Facts, Line, Panel, Plot, Source
from monitoring.panels.wording import figure

if TYPE_CHECKING:
    import sqlite3

    from monitoring.live.pool import PoolLoad
    from monitoring.panels.panel import Tone
    from monitoring.panels.shown import Shown

__all__ = ["EVERY_S", "LOAD_EVERY_S", "pool", "pool_now"]

EVERY_S = 5.0
LOAD_EVERY_S = 10.0

_RECENT_S = 120.0
_NO_TRITON = "no Triton tells it"
_NO_ENVOY = "no load balancer tells it"


def pool(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Show over time how long requests wait in the servers' queues, and how long the model takes."""
    bins = bins_of(shown.span(connection, now), now)
    found = server_times(connection, bins)
    drawn = any(one.queue_s is not None for one in found)
    lines = (
        Line("queue_s", "in the queue", tuple(one.queue_s for one in found)),
        Line("compute_s", "in the model", tuple(one.compute_s for one in found)),
    )
    return Panel(
        "pool-load",
        "Queue and compute",
        _load_lead(pool_load(connection, Span(now - _RECENT_S, now)))
        if drawn
        else "No server's metrics are known yet.",
        _source(
            shown, "Sums of Triton's metrics, by how much they grew, over the requests that it answered meanwhile."
        ),
        Plot(
            "s",
            bins.bin_s,
            bins.starts,
            lines if drawn else (),
            empty="No sample of a server's metrics. The embedded pool is asked by itself; others are named with "
            "--metrics-url.",
        ),
        group="inference",
    )


def pool_now(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    """Say how the servers stand now; what they do not tell is said in words."""
    load = pool_load(connection, Span(now - _RECENT_S, now))
    return Panel(
        "pool",
        "Inference pool",
        _lead(load),
        _source(shown, "Means over the last two minutes, and the last sample of what is counted at one moment."),
        Facts(_facts(load)),
        tone=_tone(load),
    )


def _source(shown: Shown, how: str) -> Source:
    text = (
        f"Metrics of Triton and Envoy, sampled every 10 s by the collector. {how} Servers count all their clients, "
        "this campaign's jobs and others."
    )
    return Source(text, (str(shown.store),))


def _known(load: PoolLoad) -> bool:
    return any(value is not None for value in (load.requests_per_s, load.servers_healthy, load.in_flight, load.pending))


def _lead(load: PoolLoad) -> str:
    if not _known(load):
        return (
            "No server told of itself in the last two minutes. The embedded pool is asked by itself; name others with "
            "--metrics-url when the dashboard is started."
        )
    parts = []
    if load.servers_healthy is not None:
        healthy = round(load.servers_healthy)
        parts.append(f"{healthy or 'no'} server{' is' if healthy == 1 else 's are'} healthy")
    if load.requests_per_s is not None:
        parts.append(f"{figure(load.requests_per_s)} requests/s are answered")
    if load.failures_per_s:
        parts.append(f"{figure(load.failures_per_s)} requests/s fail")
    text = ", ".join(parts) or "The servers told of nothing but their queues"
    gpu = " No server has a GPU that it tells of." if load.gpu_use is None and load.requests_per_s is not None else ""
    return f"{text[0].upper()}{text[1:]}.{gpu}"


def _load_lead(load: PoolLoad) -> str:
    if load.queue_s is None or load.compute_s is None:
        return "No request was answered in the last two minutes."
    more = (
        "; requests wait longer than they are worked on, so more servers would help"
        if load.queue_s > load.compute_s
        else ""
    )
    return (
        f"A request waits {seconds(load.queue_s)} in the queue and takes {seconds(load.compute_s)} in the model{more}."
    )


def _tone(load: PoolLoad) -> Tone:
    if load.servers_healthy is not None and load.servers_healthy < 1:
        return "bad"
    return "warn" if load.failures_per_s else ""


def _facts(load: PoolLoad) -> tuple[Fact, ...]:
    def triton(value: float | None, note: str = "") -> str:
        return note if value is not None else _NO_TRITON

    def envoy(value: float | None, note: str = "") -> str:
        return note if value is not None else _NO_ENVOY

    no_gpu = "no GPU, or none that Triton sees"
    down = load.servers_healthy is not None and load.servers_healthy < 1
    return (
        Fact(
            "servers_healthy",
            "servers healthy",
            load.servers_healthy,
            note=envoy(load.servers_healthy, "none: jobs wait for one" if down else "get requests"),
            tone="bad" if down else "",
        ),
        Fact(
            "requests_per_s", "requests/s", load.requests_per_s, "per_s", note=triton(load.requests_per_s, "answered")
        ),
        Fact(
            "failures_per_s",
            "failures/s",
            load.failures_per_s,
            "per_s",
            note=triton(load.failures_per_s, "refused or failed by Triton"),
            tone="warn" if load.failures_per_s else "",
        ),
        Fact("queue_s", "queue time", load.queue_s, "s", note=triton(load.queue_s, "mean of a request")),
        Fact("compute_s", "compute time", load.compute_s, "s", note=triton(load.compute_s, "mean of a request")),
        Fact("batch", "batch size", load.batch, "number", note=triton(load.batch, "inferences in one execution")),
        Fact("in_flight", "in flight", load.in_flight, note=envoy(load.in_flight, "at the servers now")),
        Fact("pending", "pending", load.pending, note=triton(load.pending, "in Triton's queues now")),
        Fact(
            "gpu_use", "GPU use", load.gpu_use, "share", note="mean of all GPUs" if load.gpu_use is not None else no_gpu
        ),
        Fact(
            "gpu_memory_use",
            "GPU memory",
            load.gpu_memory_use,
            "share",
            note="in use" if load.gpu_memory_use is not None else no_gpu,
        ),
        Fact(
            "received_mbps",
            "into the servers",
            # Less than that are the load balancer's health checks, which never rest.
            None if load.received_mbps is None else round(load.received_mbps, 2),
            "mbps",
            note=envoy(load.received_mbps, "passed on by the load balancer"),
        ),
    )
