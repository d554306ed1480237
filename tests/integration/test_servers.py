"""The real Triton and Envoy: answers, balance, repair, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from sonic.errors import SetupFailed
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.server.models import DEMO_MODEL
from sonic.server.models.quality import run_model
from sonic.server.pool import Condition, servers_status, start_servers, stop_servers
from sonic.server.process import find_processes
from sonic.server.state import STATE_FILE
from sonic.server.triton import SHARED_MEMORY, shared_memory_prefix
from tests.builders.inference_load import infer, noise, triton_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sonic.server.state import ServersState


ANSWERED = "nv_inference_request_success{"


def _left_in_shared_memory(folder: Path) -> list[str]:
    """Return the names of a set's files in shared memory, which its processes have mapped or left."""
    return [path.name for path in SHARED_MEMORY.glob(f"{shared_memory_prefix(folder)}*")]


@pytest.fixture
def client(inference_pool: ServersState) -> Iterator[triton_grpc.InferenceServerClient]:
    """A client of the shared pool, through Envoy."""
    with triton_grpc.InferenceServerClient(inference_pool.endpoint) as client:
        yield client


@pytest.fixture
def own_set(server_runtime: Path, tmp_path: Path) -> Iterator[Callable[[int], ServersState]]:
    """Starts a set of this test's own in `tmp_path`, which is stopped after it."""
    try:
        yield lambda count: start_servers(tmp_path, count, runtime=server_runtime)
    finally:
        stop_servers(tmp_path)


@pytest.mark.parametrize("n_patches", [1, 3, 64, 257, 1000])
def test_scores_through_envoy_are_those_of_onnx_runtime(
    client: triton_grpc.InferenceServerClient, n_patches: int
) -> None:
    """A request of any size, also of several runs of the network, gets what ONNX Runtime computes here, in order."""
    patches = noise(n_patches)

    scores, michel = infer(client, patches)

    expected_scores, expected_michel = run_model(DEMO_MODEL, patches)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-5)
    np.testing.assert_allclose(michel, expected_michel, atol=1e-5)


def test_requests_at_once_keep_their_own_answers(
    inference_pool: ServersState, client: triton_grpc.InferenceServerClient
) -> None:
    """Small requests that Triton batches together each get their own scores, and both servers take part."""
    before = [triton_count(server, ANSWERED) for server in inference_pool.servers]
    inputs = [noise(1 + seed % 40, seed) for seed in range(120)]

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda patches: infer(client, patches), inputs))

    expected_scores, expected_michel = run_model(DEMO_MODEL, np.concatenate(inputs))
    np.testing.assert_allclose(np.concatenate([scores for scores, _ in answers]), expected_scores, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([michel for _, michel in answers]), expected_michel, atol=1e-5)
    shares = [triton_count(s, ANSWERED) - b for s, b in zip(inference_pool.servers, before, strict=True)]
    assert sum(shares) == 120
    assert min(shares) > 20


def test_wrong_shape_is_an_invalid_argument(client: triton_grpc.InferenceServerClient) -> None:
    """A request that can never succeed is refused as INVALID_ARGUMENT, which Envoy does not try elsewhere."""
    tensor = triton_grpc.InferInput(INPUT, (2, 48, 47, 1), "FP32")
    tensor.set_data_from_numpy(np.zeros((2, 48, 47, 1), np.float32))

    with pytest.raises(InferenceServerException) as caught:
        client.infer(MODEL_NAME, [tensor], client_timeout=60)
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_one_output_can_be_asked_for(client: triton_grpc.InferenceServerClient) -> None:
    """A client that wants the michel score only gets nothing else."""
    tensor = triton_grpc.InferInput(INPUT, (2, 48, 48, 1), "FP32")
    tensor.set_data_from_numpy(noise(2))

    answer = client.infer(MODEL_NAME, [tensor], outputs=[triton_grpc.InferRequestedOutput(MICHEL_OUTPUT)])

    assert answer.as_numpy(MICHEL_OUTPUT).shape == (2, 1)
    assert answer.as_numpy(EM_TRK_NONE_OUTPUT) is None


def test_servers_listen_on_loopback_only(inference_pool: ServersState) -> None:
    """No port of Triton or Envoy can be reached from outside the machine."""
    pids = [inference_pool.envoy_pid, *(server.pid for server in inference_pool.servers)]
    listening = [
        connection
        for pid in pids
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    # Triton's gRPC listens on IPv4 through an IPv6 socket.
    assert {connection.laddr.ip.removeprefix("::ffff:") for connection in listening} == {"127.0.0.1"}
    assert len(listening) >= 2 + 3 * 2


def test_set_is_repaired_kept_and_stopped(
    own_set: Callable[[int], ServersState], tmp_path: Path, inference_pool: ServersState
) -> None:
    """A killed server costs its clients nothing and comes back on its ports; stop ends all of this set and no other."""
    state = own_set(2)
    assert own_set(2) == state

    with triton_grpc.InferenceServerClient(state.endpoint) as client:
        patches = noise(64)
        psutil.Process(state.servers[0].pid).kill()
        for _ in range(20):
            assert len(infer(client, patches)[0]) == 64
        found = servers_status(tmp_path)
        assert found is not None
        assert [server.condition for server in found.servers] == [Condition.DEAD, Condition.READY]
        assert not found.ready

        repaired = own_set(2)
        assert repaired.endpoint == state.endpoint
        assert repaired.servers[1] == state.servers[1]
        assert repaired.servers[0].grpc_port == state.servers[0].grpc_port
        assert repaired.servers[0].pid != state.servers[0].pid
        assert len(infer(client, patches)[0]) == 64

    stop_servers(tmp_path)
    assert find_processes(tmp_path) == []
    assert _left_in_shared_memory(tmp_path) == []
    assert all(psutil.pid_exists(server.pid) for server in inference_pool.servers)


def test_stop_needs_neither_the_starter_nor_the_state(server_runtime: Path, tmp_path: Path) -> None:
    """Servers whose starter and leaders were killed and whose state file is lost end all the same."""
    script = (
        "import sys, time; from pathlib import Path; from sonic.server.pool import start_servers; "
        "start_servers(Path(sys.argv[1]), 1, runtime=Path(sys.argv[2])); print('ready', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(server_runtime)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as starter:
            assert starter.stdout is not None
            assert starter.stdout.readline() == b"ready\n"
            starter.send_signal(signal.SIGKILL)
        status = servers_status(tmp_path)
        assert status is not None
        assert status.ready
        os.kill(status.state.servers[0].pid, signal.SIGKILL)
        (tmp_path / STATE_FILE).unlink()
    finally:
        stop_servers(tmp_path)

    assert find_processes(tmp_path) == []
    assert _left_in_shared_memory(tmp_path) == []


def test_restart_avoids_a_taken_port_and_spares_a_strangers_process(
    own_set: Callable[[int], ServersState], tmp_path: Path
) -> None:
    """After a reboot a port may be another program's and so may a process number: neither is touched."""
    state = own_set(1)
    stop_servers(tmp_path)
    with subprocess.Popen(["sleep", "600"]) as stranger, socket.socket() as taken:  # noqa: S607 - any program will do
        try:
            server = state.servers[0].model_copy(update={"pid": stranger.pid})
            (tmp_path / STATE_FILE).write_text(state.model_copy(update={"servers": (server,)}).model_dump_json())
            taken.bind(("127.0.0.1", server.grpc_port))
            taken.listen()

            again = own_set(1)
            stop_servers(tmp_path)

            assert again.servers[0].grpc_port != server.grpc_port
            assert again.servers[0].http_port == server.http_port
            assert again.endpoint == state.endpoint
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_model_that_is_no_network_is_told_and_leaves_nothing(server_runtime: Path, tmp_path: Path) -> None:
    """A broken model file gives an error with the server's own words and its log, and no process stays."""
    model = tmp_path / "broken.onnx"
    model.write_bytes(b"not a network")
    folder = tmp_path / "set"

    with pytest.raises(SetupFailed, match=r"triton-1\.log.*(protobuf|ONNX|onnx)"):
        start_servers(folder, 1, runtime=server_runtime, model=model)

    assert find_processes(folder) == []
    assert _left_in_shared_memory(folder) == []


def test_path_with_a_space_is_refused(server_runtime: Path, tmp_path: Path) -> None:
    """Triton's helper would not start from there; that is said at once, not after a time-out."""
    with pytest.raises(SetupFailed, match="spaces"):
        start_servers(tmp_path / "a folder", 1, runtime=server_runtime)


def test_hung_server_is_replaced(own_set: Callable[[int], ServersState], tmp_path: Path) -> None:
    """A server that lives but does not answer is not ready, and starting again replaces it."""
    state = own_set(1)
    os.kill(state.servers[0].pid, signal.SIGSTOP)
    status = servers_status(tmp_path)
    assert status is not None
    assert status.servers[0].condition is Condition.NOT_READY

    assert own_set(1).servers[0].pid != state.servers[0].pid
