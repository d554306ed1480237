"""Steady load on an inference endpoint: threads that ask, wait, check the answer, and ask again."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME, PATCH_PIXELS
from sonic.server.models import DEMO_MODEL
from sonic.server.models.quality import run_model

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

    from sonic.server.state import ServerState

__all__ = ["Ended", "Load", "envoy_count", "infer", "noise", "triton_count"]


def noise(n: int, seed: int = 1) -> NDArray[np.float32]:
    """Return patches with 12 % of the pixels lit, about as in real ones."""
    rng = np.random.default_rng(seed)
    lit = rng.random((n, PATCH_PIXELS, PATCH_PIXELS, 1)) < 0.12
    return np.where(lit, rng.uniform(-5, 15, lit.shape), 0).astype(np.float32)


def infer(
    client: triton_grpc.InferenceServerClient,
    patches: NDArray[np.float32],
    *,
    timeout_s: float = 60,
    token: str | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both scores of patches, as the plain model gives them."""
    tensor = triton_grpc.InferInput(INPUT, patches.shape, "FP32")
    tensor.set_data_from_numpy(patches)
    headers = {"authorization": f"Bearer {token}"} if token else None
    answer = client.infer(MODEL_NAME, [tensor], client_timeout=timeout_s, headers=headers)
    return answer.as_numpy(EM_TRK_NONE_OUTPUT), answer.as_numpy(MICHEL_OUTPUT)[:, 0]


@dataclass(frozen=True)
class Ended:
    """One request: when it began and ended, in seconds of the monotonic clock, and what was wrong with it, if so."""

    began: float
    ended: float
    wrong: str = ""


class Load:
    """Threads that send requests to an endpoint from `with` to the end of its block."""

    def __init__(self, endpoint: str, *, threads: int = 6, patches: int = 32) -> None:
        self.requests: list[Ended] = []
        self._endpoint = endpoint
        self._inputs = [noise(patches, seed) for seed in range(threads)]
        self._expected = [run_model(DEMO_MODEL, patches) for patches in self._inputs]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def wrong(self) -> list[str]:
        """What was wrong, of every request that failed or got a wrong answer."""
        return [request.wrong for request in self.requests if request.wrong]

    def longest_s(self, since: float = 0) -> float:
        """Return the time of the slowest request that ended after `since`, in seconds."""
        return max(request.ended - request.began for request in self.requests if request.ended >= since)

    def run_for(self, seconds: float) -> None:
        """Let the load go on for some time."""
        time.sleep(seconds)

    def _ask(self, number: int) -> None:
        with triton_grpc.InferenceServerClient(self._endpoint) as client:
            while not self._stop.is_set():
                began = time.monotonic()
                wrong = ""
                try:
                    scores, michel = infer(client, self._inputs[number])
                    expected_scores, expected_michel = self._expected[number]
                    right = np.allclose(scores, expected_scores, atol=1e-5)
                    if not right or not np.allclose(michel, expected_michel, atol=1e-5):
                        wrong = "another request's scores"
                except InferenceServerException as exc:
                    wrong = f"{exc.status()}: {exc.message()}"
                self.requests.append(Ended(began, time.monotonic(), wrong))


def envoy_count(admin_port: int, name: str) -> int:
    """Return one of Envoy's counters."""
    connection = http.client.HTTPConnection("127.0.0.1", admin_port, timeout=10)
    try:
        connection.request("GET", f"/stats?format=json&filter=^{re.escape(name)}$")
        (found,) = json.loads(connection.getresponse().read())["stats"]
    finally:
        connection.close()
    return int(found["value"])


def triton_count(server: ServerState, name: str) -> float:
    """Return the sum of one of Triton's counters over its labels; `name` may end with some of them."""
    connection = http.client.HTTPConnection("127.0.0.1", server.metrics_port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))
