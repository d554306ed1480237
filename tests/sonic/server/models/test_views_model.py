"""The model of the `views` format inside Triton, with a stand-in for Triton's half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from sonic.hit_pixels import HitPixels, Span
from sonic.message import Most
from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT
from sonic.patches import PatchCutter
from sonic.server.models import DEMO_MODEL
from sonic.server.models.quality import run_model
from sonic.server.repository import Serving
from sonic.views import ViewCutter
from tests.builders.client import a_sparse_view
from tests.builders.triton_backend import INVALID_ARG, UNAVAILABLE, Request, Response, load_model, watch_runs
from tests.builders.view_message import Parts, a_strip

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sonic.view import View


def a_request(view: View, outputs: tuple[str, ...] = (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT)) -> Request:
    """Return a request for all hit pixels of a view."""
    pixels = HitPixels([view])
    message = ViewCutter(pixels).cut(Span(0, pixels.n_patches), Most(65_536, 1e9))
    assert message.span.size == pixels.n_patches
    return Request(message.tensor, outputs)


def of_bytes(data: bytes) -> Request:
    """Return a request with any bytes for a message."""
    return Request(np.frombuffer(data, np.uint8)[np.newaxis])


def scores_of(view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what ONNX Runtime computes here for the hit pixels of a view."""
    pixels = HitPixels([view])
    return run_model(DEMO_MODEL, PatchCutter(pixels).patches(Span(0, pixels.n_patches)))


def assert_right(view: View, response: Response) -> None:
    """Assert that a response has the scores of a view's hit pixels, in a batch of one."""
    assert response.error is None
    scores, michel = scores_of(view)
    np.testing.assert_allclose(response.array(EM_TRK_NONE_OUTPUT), scores[np.newaxis], atol=1e-5)
    np.testing.assert_allclose(response.array(MICHEL_OUTPUT)[0, :, 0], michel, atol=1e-5)


def test_messages_share_runs_and_large_ones_take_several(tmp_path: Path) -> None:
    """Whatever the mix of sizes, every run but the last is full and every message gets its own scores."""
    model = load_model(tmp_path, Serving(patches_per_run=32), "views")
    sizes = watch_runs(model)
    views = [a_sparse_view(n, n) for n in (3, 5, 40, 10, 100, 32, 1, 1)]

    responses = model.execute([a_request(view) for view in views])

    assert sizes == [32] * (192 // 32)
    for view, response in zip(views, responses, strict=True):
        assert_right(view, response)


@pytest.mark.parametrize("n_patches", [1, 31, 32, 33, 64, 65])
def test_a_message_of_any_size_is_answered(tmp_path: Path, n_patches: int) -> None:
    """Sizes around those of one run and of two must lose no patch, twice in a row."""
    model = load_model(tmp_path, Serving(patches_per_run=32), "views")
    view = a_sparse_view(n_patches)
    for _ in range(2):
        (response,) = model.execute([a_request(view)])
        assert_right(view, response)


def test_scores_do_not_depend_on_what_else_is_asked(tmp_path: Path) -> None:
    """A message alone and among others, cut by the ends of runs anywhere, must get the same bits."""
    model = load_model(tmp_path, Serving(patches_per_run=16), "views")
    view = a_sparse_view(41)
    (alone,) = model.execute([a_request(view)])
    for n_before in (1, 7, 15, 30):
        *_, among = model.execute([a_request(a_sparse_view(n_before, 5)), a_request(view)])
        for name in (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT):
            assert np.array_equal(among.array(name), alone.array(name))


HOSTILE = {
    "no bytes": of_bytes(b""),
    "short": of_bytes(b"SGVM"),
    "strange": of_bytes(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    "version": of_bytes(Parts.of(a_strip()).message(version=9)),
    "largest sizes": of_bytes(Parts.of(a_strip()).message(n_wires=2**32 - 1, n_drift=2**32 - 1)),
    "outside": of_bytes(Parts.of(a_strip()).message(wire=6)),
    "not a number": of_bytes(Parts.of(a_strip()).message(value=np.nan)),
    "frame": of_bytes(Parts.of(a_strip()).message(frame=b"garbage")),
    "two messages": Request(np.repeat(of_bytes(Parts.of(a_strip()).message()).tensor, 2, axis=0)),
    "no message": Request(np.zeros((0, 50), np.uint8)),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_bad_message_concerns_its_sender_only(tmp_path: Path, hostile: Request) -> None:
    """Among good messages, what is no message must be refused as an invalid argument, and the others be answered."""
    model = load_model(tmp_path, Serving(patches_per_run=16), "views")
    views = [a_sparse_view(n, n) for n in (20, 9)]

    first, bad, second = model.execute([a_request(views[0]), hostile, a_request(views[1])])

    assert_right(views[0], first)
    assert_right(views[1], second)
    assert bad.error.code == INVALID_ARG
    assert "not a message of a view" in str(bad.error)
    assert bad.tensors == []


def test_a_damaged_message_is_to_be_sent_again(tmp_path: Path) -> None:
    """What the way has changed is not the sender's fault, so it must be told as UNAVAILABLE, and to its sender only."""
    model = load_model(tmp_path, Serving(patches_per_run=16), "views")
    view = a_sparse_view(20)
    damaged = a_request(view)
    damaged.tensor = damaged.tensor.copy()
    damaged.tensor[0, 50] ^= 4

    bad, good = model.execute([damaged, a_request(view)])

    assert (bad.error.code, "MessageDamaged" in str(bad.error)) == (UNAVAILABLE, True)
    assert_right(view, good)


def test_more_patches_than_the_configuration_says_are_refused(tmp_path: Path) -> None:
    """The bound that clients are told must hold."""
    model = load_model(tmp_path, Serving(), "views")
    model._most_patches = 10
    good, bad = model.execute([a_request(a_sparse_view(10)), a_request(a_sparse_view(11))])
    assert good.error is None
    assert bad.error.code == INVALID_ARG


def test_a_message_that_there_is_no_memory_for_is_to_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is short of memory must stay up, and say that another try may help."""
    model = load_model(tmp_path, Serving(), "views")

    def no_memory(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sonic.strip_patches.unpack", no_memory)
    (response,) = model.execute([a_request(a_sparse_view(5))])
    assert response.error.code == UNAVAILABLE


def test_a_failed_run_concerns_the_messages_in_it_only(tmp_path: Path) -> None:
    """When one run fails, messages with patches in it get the error, those of other runs their scores."""
    model = load_model(tmp_path, Serving(patches_per_run=8), "views")
    runs = []

    def fail(n_patches: int) -> None:
        runs.append(n_patches)
        if len(runs) == 2:
            raise ort_state.RuntimeException("out of memory")

    watch_runs(model, fail)
    views = [a_sparse_view(n, n) for n in (8, 3, 10, 6, 8)]

    responses = model.execute([a_request(view) for view in views])

    assert [response.error is None for response in responses] == [True, False, False, True, True]
    assert "out of memory" in str(responses[1].error)
    for view, response in zip(views, responses, strict=True):
        if response.error is None:
            assert_right(view, response)


def test_only_the_outputs_asked_for_are_sent(tmp_path: Path) -> None:
    """A request for one output is answered with that output alone."""
    model = load_model(tmp_path, Serving(), "views")

    (response,) = model.execute([a_request(a_sparse_view(2), (MICHEL_OUTPUT,))])

    assert [tensor.name for tensor in response.tensors] == [MICHEL_OUTPUT]
    assert response.array(MICHEL_OUTPUT).shape == (1, 2, 1)
