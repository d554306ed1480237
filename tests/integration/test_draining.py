"""Servers come, go, hang and die while clients ask: nothing is lost that the load balancer could have saved."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from sonic.network import MODEL_NAME, PATCH_BYTES
from sonic.server.balance import REPLAY_BYTES
from sonic.server.envoy import healthy_servers
from sonic.server.pool import servers_status, start_servers, stop_servers
from tests.builders.inference_load import Load, envoy_count, infer, noise, triton_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sonic.server.state import ServersState

RETRIES = "cluster.triton.upstream_rq_retry"
ANSWERED = "nv_inference_request_success{"

LEFT_OUT_WITHIN_S = 3.5
"""A server that does not answer: two health checks of 1 s, half a second before each, and a busy machine."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A place for one set of servers, which is stopped after the last test."""
    folder = tmp_path_factory.mktemp("servers")
    try:
        yield folder
    finally:
        stop_servers(folder)


@pytest.fixture
def start(folder: Path, server_runtime: Path) -> Callable[[int], ServersState]:
    """Have so many servers running; what an earlier test has killed or stopped is made good."""
    return lambda count: start_servers(folder, count, runtime=server_runtime)


def _until(true: Callable[[], bool], timeout_s: float = 20) -> float:
    """Wait until something is so and return how long that took, in seconds."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < timeout_s, "it did not come to pass"
        time.sleep(0.02)
    return time.monotonic() - began


def _kill(state: ServersState) -> None:
    for server in state.servers:
        os.kill(server.pid, signal.SIGKILL)
    _until(lambda: healthy_servers(state.admin_port) == set())


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_server_loses_nothing(start: Callable[[int], ServersState], victim: int) -> None:
    """SIGKILL of either server fails no request; the server gets none until it is started again, and then some."""
    state = start(2)
    ports = [server.grpc_port for server in state.servers]
    with Load(state.endpoint) as load:
        load.run_for(1)
        os.kill(state.servers[victim].pid, signal.SIGKILL)
        assert _until(lambda: healthy_servers(state.admin_port) == {ports[1 - victim]}) < 1
        load.run_for(1)
        again = start(2)
        assert again.servers[victim].grpc_port == ports[victim]
        assert again.servers[1 - victim] == state.servers[1 - victim]
        _until(lambda: triton_count(again.servers[victim], ANSWERED) > 10)
    assert load.wrong == []
    assert load.longest_s() < 5


def test_a_drained_server_finishes_what_it_has(start: Callable[[int], ServersState], folder: Path) -> None:
    """Fewer servers, then more: no request fails, none has to be sent twice, and who stays is not disturbed."""
    state = start(2)
    with Load(state.endpoint, patches=256) as load:
        load.run_for(1)
        retries = envoy_count(state.admin_port, RETRIES)
        fewer = start(1)
        assert fewer.servers == state.servers[:1]
        assert fewer.envoy_pid == state.envoy_pid
        status = servers_status(folder)
        assert status is not None
        assert status.ready
        more = start(2)
        assert more.servers[0] == state.servers[0]
        assert more.envoy_pid == state.envoy_pid
        _until(lambda: triton_count(more.servers[1], ANSWERED) > 2)
    assert load.wrong == []
    assert envoy_count(state.admin_port, RETRIES) == retries


def test_a_hanging_server_is_left_out(start: Callable[[int], ServersState]) -> None:
    """A server that takes requests and never answers is left out within seconds, and others answer what it had."""
    state = start(2)
    hanging, working = (server.grpc_port for server in state.servers)
    with Load(state.endpoint) as load:
        load.run_for(1)
        began = time.monotonic()
        os.kill(state.servers[0].pid, signal.SIGSTOP)
        assert _until(lambda: healthy_servers(state.admin_port) == {working}) < LEFT_OUT_WITHIN_S
        load.run_for(2)
        answered_meanwhile = len([request for request in load.requests if began < request.ended < began + 2])
        os.kill(state.servers[0].pid, signal.SIGCONT)
        _until(lambda: healthy_servers(state.admin_port) == {hanging, working})
        load.run_for(1)
    assert load.wrong == []
    assert load.longest_s(since=began) < LEFT_OUT_WITHIN_S + 2
    assert answered_meanwhile > 10


def test_a_server_that_ends_by_itself_loses_nothing(start: Callable[[int], ServersState]) -> None:
    """SIGTERM without draining: what the ending server refuses, the other one answers."""
    state = start(2)
    with Load(state.endpoint) as load:
        load.run_for(1)
        os.kill(state.servers[0].pid, signal.SIGTERM)
        load.run_for(3)
    assert load.wrong == []


def test_a_full_queue_is_not_asked_twice(start: Callable[[int], ServersState], folder: Path) -> None:
    """Under overload each refusal of a server reaches its client: none is tried on the other full server, too."""
    config = folder / "models" / MODEL_NAME / "config.pbtxt"
    before = start(2)
    original = config.read_text()
    # As if written with a smaller queue: servers that are started again read what is there.
    config.write_text(original.replace("max_queue_size: 1024", "max_queue_size: 1"))
    try:
        _kill(before)
        state = start(2)
        retries = envoy_count(state.admin_port, RETRIES)
        with Load(state.endpoint, threads=16, patches=256) as load:
            load.run_for(2)
        assert envoy_count(state.admin_port, RETRIES) == retries
    finally:
        config.write_text(original)
    _kill(state)
    assert len(load.wrong) > 10
    assert all("UNAVAILABLE" in wrong and "Exceeds maximum queue size" in wrong for wrong in load.wrong)


def test_with_no_server_left_the_answer_comes_at_once(start: Callable[[int], ServersState]) -> None:
    """When every server hangs, clients are told at once that the pool is away, and do not wait with it."""
    state = start(2)
    for server in state.servers:
        os.kill(server.pid, signal.SIGSTOP)
    _until(lambda: healthy_servers(state.admin_port) == set())
    with triton_grpc.InferenceServerClient(state.endpoint) as client:
        began = time.monotonic()
        with pytest.raises(InferenceServerException, match="no healthy upstream") as caught:
            infer(client, noise(4))
    assert caught.value.status() == "StatusCode.UNAVAILABLE"
    assert time.monotonic() - began < 2
    for server in state.servers:
        os.kill(server.pid, signal.SIGCONT)


def test_what_does_not_fit_the_buffer_is_passed_on_but_not_kept(start: Callable[[int], ServersState]) -> None:
    """A request larger than the replay buffer is answered, and Envoy gives up the thought of sending it twice."""
    state = start(2)
    before = envoy_count(state.admin_port, "cluster.triton.retry_or_shadow_abandoned")
    with triton_grpc.InferenceServerClient(state.endpoint) as client:
        scores, _ = infer(client, noise(REPLAY_BYTES // PATCH_BYTES + 200))
    assert len(scores) == REPLAY_BYTES // PATCH_BYTES + 200
    assert envoy_count(state.admin_port, "cluster.triton.retry_or_shadow_abandoned") == before + 1
