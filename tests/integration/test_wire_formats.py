"""Both wire formats through the real Triton and Envoy: the same bits, a hundredth of the bytes, whoever else asks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.utils import InferenceServerException

from jobs.reco.event import EventId
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.import_frames import import_archive
from jobs.reco.read import open_events
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from sonic.client import Client
from sonic.hit_pixels import HitPixels
from sonic.local import LocalScorer
from sonic.network import MODEL_NAME
from sonic.server.models import DEMO_MODEL
from sonic.view_message import MESSAGE_INPUT
from tests.builders.client import FORMATS, a_sparse_view
from tests.builders.inference_load import envoy_count
from tests.builders.view_message import Parts, a_strip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sonic.scores import Scores
    from sonic.server.state import ServersState
    from sonic.view import View
    from sonic.wire_format import WireFormat

REAL_DATA = Path(os.environ.get("SONICGRID_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
real_data = pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"no real detector data in {REAL_DATA}")

PDSP = "pdsp_sim_apa0_evt100.tar.bz2"
PDVD = "pdvd_data_anode0.tar.bz2"


def of_frame(name: str, folder: Path) -> list[View]:
    """Import a frame as a user does, and return its views."""
    import_archive(REAL_DATA / name, folder / "frame.root")
    with open_events(str(folder / "frame.root")) as file:
        (event,) = file.events()
        return list(build_views(event, file.channels, DEFAULT_ADC_PER_ELECTRON).views)


@dataclass(frozen=True)
class Asked:
    """One event's scores, and what the pool got for them."""

    scores: list[Scores]
    requests: int
    bytes_sent: int
    """By the client's own count."""
    bytes_at_envoy: int
    """What came in at the pool."""


def ask(pool: ServersState, views: Sequence[View], wire_format: WireFormat) -> Asked:
    """Have an event scored by the pool."""
    before = envoy_count(pool.admin_port, "http.clients.downstream_cx_rx_bytes_total")
    with Client([pool.endpoint], wire_format=wire_format) as client:
        scores = client.score(views)
        traffic = client.traffic()
    after = envoy_count(pool.admin_port, "http.clients.downstream_cx_rx_bytes_total")
    assert traffic.retries == 0
    return Asked(scores, traffic.requests, traffic.bytes_sent, after - before)


def assert_same_bits(views: Sequence[View], scores: Sequence[Scores], others: Sequence[Scores]) -> None:
    """Assert that every hit has the very same scores in both."""
    for view, one, other in zip(views, scores, others, strict=True):
        assert one.em_trk_none.shape == (view.n_hits, 3)
        assert np.array_equal(one.em_trk_none.view(np.uint32), other.em_trk_none.view(np.uint32))
        assert np.array_equal(one.michel.view(np.uint32), other.michel.view(np.uint32))


def check(pool: ServersState, views: Sequence[View]) -> dict[WireFormat, Asked]:
    """Have an event scored in both formats and here, and assert that all of them are the same."""
    asked = {wire_format: ask(pool, views, wire_format) for wire_format in FORMATS}
    with LocalScorer(DEMO_MODEL, threads=len(os.sched_getaffinity(0))) as scorer:
        here = scorer.score(views)
    for one in asked.values():
        assert_same_bits(views, one.scores, here)
    return asked


@real_data
def test_a_protodune_sp_frame(inference_pool: ServersState, tmp_path: Path) -> None:
    """On a frame as it comes from a detector: the same bits, and 300 times fewer bytes on the wire."""
    views = of_frame(PDSP, tmp_path)
    assert sum(view.n_hits for view in views) > 10_000
    asked = check(inference_pool, views)
    assert asked["patches"].bytes_at_envoy / asked["views"].bytes_at_envoy >= 300
    assert asked["patches"].bytes_sent / asked["views"].bytes_sent >= 300


@real_data
def test_a_protodune_vd_frame(inference_pool: ServersState, tmp_path: Path) -> None:
    """The same for real data of another detector, with planes of other sizes."""
    views = of_frame(PDVD, tmp_path)
    assert sum(view.n_hits for view in views) > 1_000
    asked = check(inference_pool, views)
    assert asked["patches"].bytes_at_envoy / asked["views"].bytes_at_envoy >= 100


def test_a_generated_event_of_six_apas(inference_pool: ServersState) -> None:
    """A full event, whose views go in several messages, some of which are answered together."""
    event = generate_event(3, EventId(1, 0, 1), GeneratorParameters(density=0.4))
    views = build_views(event, channel_map(6), DEFAULT_ADC_PER_ELECTRON).views
    n_patches = HitPixels(views).n_patches
    assert n_patches > 10_000
    asked = check(inference_pool, views)
    assert asked["views"].requests > 10
    assert asked["patches"].bytes_at_envoy > n_patches * 9216
    assert asked["patches"].bytes_at_envoy / asked["views"].bytes_at_envoy >= 200


def test_what_the_client_counts_is_what_comes_in(inference_pool: ServersState) -> None:
    """The share of a link is kept by the client's count, so the pool's must agree with it."""
    asked = ask(inference_pool, [a_sparse_view(2000, shape=(900, 500), lit=0.1)], "patches")
    assert asked.bytes_sent <= asked.bytes_at_envoy <= 1.02 * asked.bytes_sent
    asked = ask(inference_pool, [a_sparse_view(2000, shape=(900, 500), lit=0.1)], "views")
    assert asked.bytes_sent <= asked.bytes_at_envoy <= 1.02 * asked.bytes_sent + 5_000


@pytest.fixture
def raw(inference_pool: ServersState) -> Iterator[triton_grpc.InferenceServerClient]:
    """A client that sends whatever it is told to."""
    with triton_grpc.InferenceServerClient(inference_pool.endpoint) as client:
        yield client


def status_of(raw: triton_grpc.InferenceServerClient, tensor: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    """Send a message to the model of views, and return what its refusal is."""
    message = triton_grpc.InferInput(MESSAGE_INPUT, tensor.shape, "UINT8")
    message.set_data_from_numpy(tensor)
    with pytest.raises(InferenceServerException) as caught:
        raw.infer(f"{MODEL_NAME}_views", [message], client_timeout=20)
    return str(caught.value.status()).removeprefix("StatusCode.")


def processes_of(pool: ServersState) -> set[tuple[int, float]]:
    """Return the servers' processes, and those that run the models."""
    leaders = [psutil.Process(server.pid) for server in pool.servers]
    every = [*leaders, *(child for leader in leaders for child in leader.children(recursive=True))]
    return {(process.pid, process.create_time()) for process in every}


HOSTILE = {
    "no bytes": b"",
    "one byte": b"S",
    "strange": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "version": Parts.of(a_strip()).message(version=9),
    "no patches": Parts.of(a_strip()).message(n_patches=0),
    "too many patches": Parts.of(a_strip()).message(n_patches=65_537),
    "largest sizes": Parts.of(a_strip()).message(n_wires=2**32 - 1, n_drift=2**32 - 1, n_values=2**32 - 1),
    "other sizes": Parts.of(a_strip()).message(n_wires=4096, n_drift=4096),
    "outside": Parts.of(a_strip()).message(drift=-1),
    "not a number": Parts.of(a_strip()).message(value=np.nan),
    "frame": Parts.of(a_strip()).message(frame=b"garbage"),
}


def test_hostile_messages_are_refused_and_the_servers_go_on(
    inference_pool: ServersState, raw: triton_grpc.InferenceServerClient
) -> None:
    """Whatever a stranger sends is an invalid argument; no process of a server ends for it, and others are answered."""
    before = processes_of(inference_pool)
    views = [a_sparse_view(100)]
    expected = ask(inference_pool, views, "patches").scores
    for name, data in HOSTILE.items():
        for _ in range(4):  # both servers get some
            assert (name, status_of(raw, np.frombuffer(data, np.uint8)[np.newaxis])) == (name, "INVALID_ARGUMENT")
        assert_same_bits(views, ask(inference_pool, views, "views").scores, expected)
    two = np.frombuffer(Parts.of(a_strip()).message() * 2, np.uint8).reshape(2, -1)
    assert status_of(raw, two) == "INVALID_ARGUMENT"
    assert processes_of(inference_pool) == before


def test_a_damaged_message_is_to_be_sent_again(
    inference_pool: ServersState, raw: triton_grpc.InferenceServerClient
) -> None:
    """What the way has changed is UNAVAILABLE, so that clients try again, and stays the matter of one message."""
    before = processes_of(inference_pool)
    good = Parts.of(a_strip()).message()
    for at in (9, len(good) // 2, len(good) - 1):
        damaged = np.frombuffer(good, np.uint8).copy()
        damaged[at] ^= 16
        assert status_of(raw, damaged[np.newaxis]) == "UNAVAILABLE"
    assert processes_of(inference_pool) == before
