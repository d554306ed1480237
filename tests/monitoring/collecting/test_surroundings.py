"""Clocks, the queue, the throttle and the servers: each adds what it knows, and is missed by nothing else when away."""

from __future__ import annotations

import http.server
import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from jobs.errors import PoolError
from jobs.running.queued import ClusterInQueue, JobInQueue
from monitoring.collect import Collector
from monitoring.collecting.look_around import Surroundings
from monitoring.live.bins import Span
from monitoring.live.links import decisions, edits
from monitoring.live.pool import latency_in, latency_of, pool_load
from monitoring.live.trouble import notes
from monitoring.store.open import open_reader
from tests.builders.campaign import START
from tests.builders.campaign_life import a_heartbeat
from tests.builders.event_log import EventLog
from tests.builders.queue import FakeQueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from tests.builders.campaign import CampaignBuilder

PAGE = """# HELP nv_inference_request_success Number of successful inference requests
# TYPE nv_inference_request_success counter
nv_inference_request_success{{model="m",version="1"}} {requests}
# TYPE nv_inference_queue_duration_us counter
nv_inference_queue_duration_us{{model="m",version="1"}} {queue_us}
# TYPE nv_inference_count counter
nv_inference_count{{model="m",version="1"}} {count}
# TYPE nv_inference_exec_count counter
nv_inference_exec_count{{model="m",version="1"}} {executions}
# TYPE nv_gpu_utilization gauge
nv_gpu_utilization{{gpu_uuid="GPU-1"}} 0.5
# TYPE envoy_cluster_upstream_rq_active gauge
envoy_cluster_upstream_rq_active{{envoy_cluster_name="triton"}} 7
# TYPE something_else counter
something_else 1
"""


class Queue(FakeQueue):
    """Says what a test wants it to say."""

    def at_work(self, folder: CampaignFolder) -> tuple[list[ClusterInQueue], list[JobInQueue]]:
        """Return one cluster and its job."""
        if self.away:
            raise PoolError("no schedd answers")
        return [ClusterInQueue(7, 0, "d", sites=("CERN",), idle=3, present=4)], [JobInQueue(7, 0, 0, site="CERN")]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the store lies."""
    return tmp_path / "test.sqlite"


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    """A server whose page of metrics can be changed."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.server.page.encode()  # type: ignore[attr-defined] # set below
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def test_the_queue_says_where_a_job_runs_before_the_job_does(campaign: CampaignBuilder, store: Path) -> None:
    """A running job has its site by the first look at the queue; a schedd that is away is said, and stops nothing."""
    campaign.plan(1)
    log = EventLog(campaign.folder.block(0).events_log, at=START)
    log.submitted(7, 0, job=0)
    log.executing(7, 0)
    queue = Queue()
    collector = Collector(campaign.folder, store, queue=lambda: queue, embedded_pool=False)
    collector.catch_up()
    collector.close()
    connection = open_reader(store)
    assert connection.execute("SELECT site, state FROM jobs").fetchone()[:] == ("CERN", "running")
    assert json.loads(connection.execute("SELECT json FROM latest WHERE name = 'queue'").fetchone()[0])["clusters"]
    queue.away = True
    collector = Collector(campaign.folder, store, queue=lambda: queue, embedded_pool=False)
    assert not collector.catch_up().problem
    collector.close()
    assert "no schedd answers" in notes(connection)[0].text


def test_a_pool_that_is_taken_down_after_the_end_is_nobodys_trouble(campaign: CampaignBuilder, store: Path) -> None:
    """Once every job has ended, servers and queue are not asked, and what stood about them is settled."""
    campaign.plan(1)
    queue = Queue()
    queue.away = True
    url = "http://127.0.0.1:9/metrics"
    collector = Collector(campaign.folder, store, embedded_pool=False)
    around = Surroundings(campaign.folder, [url], lambda: queue, embedded_pool=False)
    around.look(collector.connection, wait=True)
    connection = open_reader(store)
    assert [note.standing for note in notes(connection)] == [True, True]
    log = EventLog(campaign.folder.block(0).events_log, at=START)
    log.submitted(7, 0, job=0)
    log.terminated(7, 0, code=10)
    campaign.attempt(0, exit_class="bad_input", started=START)
    collector.catch_up()
    around._due_at.clear()
    around.look(collector.connection, wait=True)
    around.close()
    collector.close()
    assert [(note.standing, note.times) for note in notes(connection)] == [(False, 1), (False, 1)]


def test_a_workers_clock_is_put_right(campaign: CampaignBuilder, store: Path) -> None:
    """An attempt on a worker whose clock is an hour ahead ends when the event log says so, and the worker is named."""
    campaign.plan(2)
    log = EventLog(campaign.folder.block(0).events_log, at=START)
    for job, ahead_s in ((0, 3600.0), (1, 2.0)):
        log.submitted(7, job, job=job)
        log.executing(7, job)
        campaign.attempt(job, started=START + ahead_s, wall_s=100.0, host=f"w{job}")
    collector = Collector(campaign.folder, store, embedded_pool=False)
    collector.catch_up()
    collector.close()
    connection = open_reader(store)
    rows = connection.execute("SELECT ended, ended_at FROM attempts ORDER BY job").fetchall()
    assert [tuple(row) for row in rows] == [(START + 3700, START + 100), (START + 102, START + 102)]
    assert [tuple(row) for row in connection.execute("SELECT host, ahead_s FROM clocks")] == [("w0", 3600)]
    (note,) = notes(connection)
    assert "w0: its clock differs" in note.text


def test_the_throttles_diary_is_read_once(campaign: CampaignBuilder, store: Path) -> None:
    """Decisions and edits are there in their order, each once, and a line that is no JSON is said."""
    campaign.plan(1)
    line = {
        "at": "2026-11-27T04:37:47+00:00",
        "site": "FNAL",
        "budget_mbps": 100.0,
        "mbps_per_job": 5.0,
        "origin": "measured",
        "admitted": 20,
        "binds": "the link",
        "reason": "",
    }
    edit = {"at": line["at"], "who": "a@b", "file": "FNAL", "key": "uplink", "from": "1 Gb/s", "to": "2 Gb/s"}
    campaign.folder.throttle_log.write_text(json.dumps(line) + "\nnonsense\n")
    campaign.folder.site_edits.write_text(json.dumps(edit) + "\n")
    collector = Collector(campaign.folder, store, embedded_pool=False)
    collector.tick()
    with campaign.folder.throttle_log.open("a") as log:
        log.write(json.dumps(line | {"admitted": 25}) + "\n")
    collector.tick()
    collector.close()
    connection = open_reader(store)
    assert [one.admitted for one in decisions(connection)] == [25, 20]
    assert [(one.key, one.after) for one in edits(connection)] == [("uplink", "2 Gb/s")]
    assert "cannot be read" in notes(connection)[0].text


def test_servers_are_sampled(campaign: CampaignBuilder, store: Path, server: http.server.ThreadingHTTPServer) -> None:
    """Queue time, batch and the like are from the growth of what servers say; one that is away is said."""
    campaign.plan(1)
    urls = [f"http://127.0.0.1:{server.server_port}/metrics", "http://127.0.0.1:9/metrics"]
    collector = Collector(campaign.folder, store, embedded_pool=False)
    around = Surroundings(campaign.folder, urls, None, embedded_pool=False)
    began = time.time()
    server.page = PAGE.format(requests=100, queue_us=1_000_000, count=1000, executions=100)  # type: ignore[attr-defined]
    around.look(collector.connection, wait=True)
    around._due_at.clear()
    server.page = PAGE.format(requests=200, queue_us=3_000_000, count=1800, executions=150)  # type: ignore[attr-defined]
    around.look(collector.connection, wait=True)
    around.close()
    collector.close()
    connection = open_reader(store)
    load = pool_load(connection, Span(began, time.time()))
    assert load.queue_s == pytest.approx(0.02)
    assert load.batch == pytest.approx(16)
    assert (load.in_flight, load.gpu_use, load.compute_s) == (7, 0.5, 0.0)
    assert load.servers_healthy is None
    assert ["127.0.0.1:9" in note.text for note in notes(connection)] == [True]
    assert connection.execute("SELECT count(*) FROM series WHERE metric = 'something_else'").fetchone()[0] == 0


def test_latency_percentiles_are_of_all_jobs_together(campaign: CampaignBuilder, store: Path) -> None:
    """Histograms of jobs are added, not their percentiles; beyond the last class, 60 s stand for all that is longer."""
    campaign.plan(2)
    log = EventLog(campaign.folder.block(0).events_log, at=START)
    quick = (0, 0, 0, 98, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    slow = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)
    for job, counts, latency_s in ((0, quick, 7.0), (1, slow, 200.0)):
        log.submitted(7, job, job=job)
        log.told(7, job, a_heartbeat(job, requests=sum(counts), latency_counts=counts, latency_s=latency_s).encode())
    collector = Collector(campaign.folder, store, embedded_pool=False)
    collector.catch_up()
    collector.close()
    latency = latency_in(open_reader(store), Span(START - 120, START + 60))
    assert latency.requests == pytest.approx(100)
    assert latency.mean_s == pytest.approx(2.07)
    assert latency.p50_s == pytest.approx(0.05 + 0.05 * 50 / 98)
    assert latency.p99_s == 60.0
    assert latency_of((0,) * 13, 0.0).p50_s is None
