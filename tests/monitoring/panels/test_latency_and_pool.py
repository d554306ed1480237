"""Latency is what jobs measure, queue and compute are what servers do; neither is made up."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from monitoring.live.bins import Span
from monitoring.live.pool import latency_in, pool_load
from monitoring.panels.latency import latency
from monitoring.panels.panel import Plot
from monitoring.panels.pool import pool, pool_now
from monitoring.store.open import open_reader
from tests.builders.collected import MINUTE
from tests.builders.panel_cells import facts_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.collected import Collected

QUEUE, COMPUTE, SUCCESS = (
    "nv_inference_queue_duration_us",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_request_success",
)


def sampled(
    store: Path, metric: str, values: dict[float, float], kind: str = "counter", source: str = "triton"
) -> None:
    """Write samples of a server's metric into a store, as the collector does."""
    connection = sqlite3.connect(store)
    with connection:
        series = connection.execute(
            "INSERT INTO series (source, metric, labels, kind) VALUES (?, ?, '', ?)", (source, metric, kind)
        ).lastrowid
        connection.executemany("INSERT INTO samples VALUES (?, ?, ?)", [(series, *pair) for pair in values.items()])
    connection.close()


def test_no_answer_yet(collected: Collected) -> None:
    """Before the first heartbeat there is nothing to draw, and the panel says why."""
    panel = latency(collected.read(), collected.shown, MINUTE)
    assert panel.lead == "No answer is known yet."
    assert isinstance(panel.content, Plot)
    assert panel.content.lines == ()


def test_latency_is_that_of_the_heartbeats(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead has the last ten minutes' percentiles, the plot those of each bin, of all sites or of one."""
    monkeypatch.setattr("monitoring.collecting.follow_blocks.time.time", lambda: MINUTE + 200)
    collected.run(0, MINUTE)
    slow = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4)
    collected.run(1, MINUTE, site="CERN", latency_counts=slow, latency_s=300.0)
    connection = collected.read()
    now = MINUTE + 200
    panel = latency(connection, collected.shown, now, site="FNAL")
    known = latency_in(connection, Span(MINUTE, MINUTE + 60), "FNAL")
    assert isinstance(panel.content, Plot)
    drawn = [[value for value in line.values if value is not None] for line in panel.content.lines]
    assert [values[0] for values in drawn] == pytest.approx([known.p50_s, known.p95_s, known.p99_s])
    assert panel.lead == (
        "In the last 10 minutes half of 4 requests took less than 100 ms, 95 % less than 190 ms, and 99 % less than "
        "198 ms."
    )
    assert panel.tone == ""
    cern = latency(connection, collected.shown, now, site="CERN")
    assert "99 % less than 60 s or more" in cern.lead
    assert cern.tone == "warn"


def test_a_pool_that_tells_nothing(collected: Collected) -> None:
    """Without a sample every number is missing, each with the reason in words."""
    connection = collected.read()
    panel = pool_now(connection, collected.shown, MINUTE)
    assert panel.lead.startswith("No server told of itself")
    assert {fact.value for fact in facts_of(panel).values()} == {None}
    assert all(fact.note for fact in facts_of(panel).values())
    assert pool(connection, collected.shown, MINUTE).lead == "No server's metrics are known yet."


def test_a_pool_of_two_servers(collected: Collected) -> None:
    """Numbers are those of `pool_load`; what only GPUs have is said to be missing."""
    collected.run(0, MINUTE)
    collected.read().close()
    for server, growth in (("a", 100.0), ("b", 50.0)):
        sampled(collected.store, SUCCESS, {MINUTE + 60: 0.0, MINUTE + 120: growth}, source=server)
        sampled(collected.store, QUEUE, {MINUTE + 60: 0.0, MINUTE + 120: 3e4 * growth}, source=server)
        sampled(collected.store, COMPUTE, {MINUTE + 60: 0.0, MINUTE + 120: 1e4 * growth}, source=server)
    sampled(collected.store, "envoy_cluster_membership_healthy", {MINUTE + 120: 2.0}, "gauge", "envoy")
    connection = collected.read()
    now = MINUTE + 125
    panel, load = pool_now(connection, collected.shown, now), pool_load(connection, Span(now - 120, now))
    facts = facts_of(panel)
    assert (facts["queue_s"].value, facts["compute_s"].value) == (load.queue_s, load.compute_s)
    assert load.queue_s == pytest.approx(0.03)
    assert facts["requests_per_s"].value == pytest.approx(2.5)
    assert (facts["gpu_use"].value, facts["gpu_use"].note) == (None, "no GPU, or none that Triton sees")
    assert panel.lead == ("2 servers are healthy, 2.5 requests/s are answered. No server has a GPU that it tells of.")
    plot = pool(connection, collected.shown, now)
    assert plot.lead == (
        "A request waits 30 ms in the queue and takes 10 ms in the model; requests wait longer than they are worked "
        "on, so more servers would help."
    )
    assert isinstance(plot.content, Plot)
    queue, compute = ([value for value in line.values if value is not None] for line in plot.content.lines)
    assert queue == pytest.approx([0.03])
    assert compute == pytest.approx([0.01])


def test_no_server_is_healthy(collected: Collected) -> None:
    """A load balancer without servers is what somebody has to look at."""
    collected.read().close()
    sampled(collected.store, "envoy_cluster_membership_healthy", {MINUTE: 0.0}, "gauge", "envoy")
    panel = pool_now(collected.read(), collected.shown, MINUTE + 5)
    assert panel.tone == "bad"
    assert panel.lead == "No servers are healthy."


def test_a_server_that_was_started_again(collected: Collected) -> None:
    """Its sums begin anew, and what it did since counts from nothing."""
    collected.run(0, MINUTE)
    collected.read().close()
    for metric, factor in ((SUCCESS, 1.0), (QUEUE, 2e4), (COMPUTE, 1e4)):
        values = {MINUTE + 60.0: 1000 * factor, MINUTE + 70.0: 10 * factor, MINUTE + 80.0: 20 * factor}
        sampled(collected.store, metric, values)
    plot = pool(open_reader(collected.store), collected.shown, MINUTE + 100)
    assert isinstance(plot.content, Plot)
    queue = [value for value in plot.content.lines[0].values if value is not None]
    assert queue == pytest.approx([0.02, 0.02])
