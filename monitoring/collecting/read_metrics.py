"""Metrics of the inference pool, read over HTTP in threads of their own: a server that hangs holds up nothing else."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from jobs.errors import SetupError
from jobs.pool.state import find_pool
from jobs.pool.up import servers_folder
from sonic.errors import SonicError
from sonic.server.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

__all__ = ["WANTED", "Answer", "MetricsReader", "Sample", "embedded_urls"]

TIMEOUT_S = 5.0
LARGEST_ANSWER_BYTES = 16 << 20

WANTED = {
    "nv_inference_request_success": "counter",
    "nv_inference_request_failure": "counter",
    "nv_inference_count": "counter",
    "nv_inference_exec_count": "counter",
    "nv_inference_request_duration_us": "counter",
    "nv_inference_queue_duration_us": "counter",
    "nv_inference_compute_input_duration_us": "counter",
    "nv_inference_compute_infer_duration_us": "counter",
    "nv_inference_compute_output_duration_us": "counter",
    "nv_inference_pending_request_count": "gauge",
    "nv_gpu_utilization": "gauge",
    "nv_gpu_memory_used_bytes": "gauge",
    "nv_gpu_memory_total_bytes": "gauge",
    "nv_gpu_power_usage": "gauge",
    "envoy_cluster_upstream_rq_active": "gauge",
    "envoy_cluster_upstream_rq_pending_active": "gauge",
    "envoy_cluster_upstream_rq_total": "counter",
    "envoy_cluster_upstream_cx_tx_bytes_total": "counter",
    "envoy_cluster_upstream_cx_rx_bytes_total": "counter",
    "envoy_cluster_membership_healthy": "gauge",
    "envoy_cluster_membership_total": "gauge",
    "envoy_http_downstream_rq_active": "gauge",
    "envoy_http_downstream_cx_rx_bytes_total": "counter",
    "envoy_http_downstream_cx_tx_bytes_total": "counter",
}
"""What is kept of what Triton and Envoy say, and whether it is a sum since the server's start or a value of now."""


@dataclass(frozen=True)
class Sample:
    """One value of one metric.

    Attributes:
        metric: its name.
        labels: as the server gives them, in the form of Prometheus: name="value", sorted, with commas between them.
        value: in the metric's own unit.

    """

    metric: str
    labels: str
    value: float


@dataclass(frozen=True)
class Answer:
    """What one URL said.

    Attributes:
        url: that was asked.
        at: when, seconds since the epoch.
        samples: of the metrics that are wanted.
        error: why there are none; empty if it answered.

    """

    url: str
    at: float
    samples: tuple[Sample, ...] = ()
    error: str = ""


class MetricsReader:
    """Asks some URLs again and again; no call waits for an answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="metrics")
        self._asked: dict[str, Future[Answer]] = {}

    def ask(self, urls: Sequence[str]) -> None:
        """Ask every URL that has answered, or failed to, since it was asked last."""
        for url in urls:
            if url not in self._asked:
                self._asked[url] = self._threads.submit(_ask, url)

    def answers(self, *, wait: bool = False) -> list[Answer]:
        """Return what came since the last call; with `wait`, every answer that is due."""
        ready = {url: asked for url, asked in self._asked.items() if wait or asked.done()}
        for url in ready:
            del self._asked[url]
        return [asked.result() for asked in ready.values()]

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def embedded_urls() -> list[str]:
    """Return where the servers of the embedded pool give their metrics, if there is one with servers."""
    try:
        pool = find_pool()
        if pool is None or not pool.servers:
            return []
        servers = read_state(servers_folder(Path(pool.folder)))
    except (SetupError, SonicError, OSError):
        # What is wrong with a pool is told by the commands that start and stop it.
        return []
    if servers is None:
        return []
    triton = [f"http://{endpoint}/metrics" for endpoint in servers.metrics_endpoints]
    return [*triton, f"http://127.0.0.1:{servers.admin_port}/stats/prometheus"]


def read_samples(text: str) -> Iterator[Sample]:
    """Yield the values that are wanted of a page in the text format of Prometheus.

    Raises:
        ValueError: the text is not of that format.

    """
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # The parser adds `_total` to counters that came without it.
            metric = sample.name if sample.name in WANTED else sample.name.removesuffix("_total")
            if metric in WANTED:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                yield Sample(metric, labels, float(sample.value))


def _ask(url: str) -> Answer:
    at = time.time()
    try:
        if not url.startswith(("http://", "https://")):
            return Answer(url, at, error="not an address that begins with http:// or https://")
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - checked above
            text = answer.read(LARGEST_ANSWER_BYTES).decode(errors="replace")
        return Answer(url, at, tuple(read_samples(text)))
    except urllib.error.HTTPError as error:
        return Answer(url, at, error=f"it answers {error.code} {error.reason}")
    except (OSError, ValueError) as error:
        return Answer(url, at, error=str(getattr(error, "reason", error)))
