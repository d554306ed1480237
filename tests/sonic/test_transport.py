"""The wire: checks before the first request, requests as Triton wants them, answers whatever they hold."""

from __future__ import annotations

import queue
import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sonic.client import Client
from sonic.errors import (
    AnswerIncomplete,
    BadAnswer,
    EndpointAway,
    EndpointNotReady,
    EndpointSilent,
    ModelMismatch,
    ModelMissing,
)
from sonic.fake import pixel_scores
from sonic.hit_pixels import HitPixels, Span
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, PATCH_BYTES
from sonic.patches import PatchCutter
from sonic.transport import TritonTransport
from sonic.view_message import MESSAGE_INPUT
from tests.builders.client import FORMATS, a_view, assert_right, quick
from tests.builders.kserve import KServe, a_message, a_model, a_transport, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sonic.transport import Reply
    from sonic.wire_format import WireFormat

both_formats = pytest.mark.parametrize("wire_format", FORMATS)


@pytest.fixture
def server() -> Iterator[KServe]:
    """Run a server on a free port."""
    with KServe() as running:
        yield running


@pytest.fixture(params=FORMATS)
def wire_format(request: pytest.FixtureRequest) -> WireFormat:
    """Each wire format in turn."""
    chosen: WireFormat = request.param
    return chosen


@pytest.fixture
def transport(server: KServe, wire_format: WireFormat) -> Iterator[TritonTransport]:
    """Open a transport to the server."""
    opened = a_transport(server.address, wire_format)
    yield opened
    opened.close()


def test_a_request_goes_there_and_back(transport: TritonTransport, server: KServe, wire_format: WireFormat) -> None:
    """Scores must be those of the patches that were asked for, and the bytes those on the wire."""
    assert transport.check(5) == {"patches": 512, "views": 300}[wire_format]
    message = a_message(wire_format)
    reply, sent = ask(transport, message)
    assert reply.number == 7
    assert reply.answer is not None
    expected = pixel_scores(PatchCutter(HitPixels([a_view(5)])).patches(Span(0, 5)))
    assert np.array_equal(reply.answer.em_trk_none, expected.em_trk_none)
    assert np.array_equal(reply.answer.michel, expected.michel)
    assert abs(sent - server.request_bytes) <= 4
    assert sent > message.payload_bytes
    assert reply.bytes_received > 5 * 16
    if wire_format == "patches":
        assert message.payload_bytes == 5 * PATCH_BYTES


def test_a_client_speaks_both_formats_over_a_real_channel(server: KServe, wire_format: WireFormat) -> None:
    """From views to scores through gRPC, every hit must get its own."""
    limits = quick(check_timeout_s=5, request_timeout_s=5)
    with Client([server.address], network="cnn", wire_format=wire_format, limits=limits) as client:
        views = [a_view(30, 1), a_view(0, 2), a_view(13, 3)]
        assert_right(views, client.score(views))
        assert client.endpoint == server.address


def test_an_answer_without_a_tensor_is_incomplete(
    transport: TritonTransport, server: KServe, wire_format: WireFormat
) -> None:
    """A missing output must be named."""
    server.outputs = (EM_TRK_NONE_OUTPUT,)
    reply, _ = ask(transport, a_message(wire_format))
    assert isinstance(reply.error, AnswerIncomplete)
    assert MICHEL_OUTPUT in str(reply.error)


@pytest.mark.parametrize("lost_bytes", [1, 4, 1000])
def test_an_answer_with_too_few_bytes_is_incomplete(
    transport: TritonTransport, server: KServe, wire_format: WireFormat, lost_bytes: int
) -> None:
    """Bytes that do not fill the shape must not become scores."""
    server.lost_bytes = lost_bytes
    reply, _ = ask(transport, a_message(wire_format))
    assert isinstance(reply.error, AnswerIncomplete)


@pytest.mark.parametrize("datatype", ["BYTES", "FP64", "INT32", "BF16", "nonsense", ""])
def test_an_answer_of_another_type_is_bad(
    transport: TritonTransport, server: KServe, wire_format: WireFormat, datatype: str
) -> None:
    """Whatever a server calls its tensors, the sender must hear of it and not wait for ever."""
    server.datatype = datatype
    reply, _ = ask(transport, a_message(wire_format))
    assert type(reply.error) is BadAnswer
    assert server.address in str(reply.error)


@pytest.mark.parametrize("axes", [(), (1,), (0,), (1, 1), (2,), (-1,)])
def test_an_answer_of_another_shape_never_becomes_an_error_of_the_thread(
    transport: TritonTransport, server: KServe, wire_format: WireFormat, axes: tuple[int, ...]
) -> None:
    """A batch of one message is taken apart; any other shape must come back as it is, or as an error of ours."""
    server.axes = axes
    reply, _ = ask(transport, a_message(wire_format))
    if reply.answer is None:
        assert isinstance(reply.error, BadAnswer)
    elif axes == (1,) * (wire_format == "views"):
        assert reply.answer.em_trk_none.shape == (5, 3)


def test_a_server_that_is_not_ready_is_told_from_one_that_is_away(transport: TritonTransport, server: KServe) -> None:
    """Neither a server nor a model that is loading may be asked yet."""
    server.ready = False
    with pytest.raises(EndpointNotReady, match="the server is up, but not ready"):
        transport.check(5)
    server.ready, server.model_ready = True, False
    with pytest.raises(EndpointNotReady, match=r"model cnn.* version 1 is not ready"):
        transport.check(5)


@both_formats
def test_another_model_is_missing(server: KServe, wire_format: WireFormat) -> None:
    """A model that the server does not have must be ModelMissing."""
    transport = TritonTransport(server.address, a_model(wire_format, "other"))
    with pytest.raises(ModelMissing, match="unknown model other"):
        transport.check(5)
    transport.close()


@pytest.mark.parametrize(
    ("wire_format", "name", "tensor"),
    [
        ("patches", INPUT, ("FP32", [-1, 44, 48, 1])),
        ("patches", MICHEL_OUTPUT, ("FP64", [-1, 1])),
        ("patches", "extra", ("FP32", [-1, 1])),
        ("views", MESSAGE_INPUT, ("INT8", [-1, -1])),
        ("views", MESSAGE_INPUT, ("UINT8", [-1])),
        ("views", EM_TRK_NONE_OUTPUT, ("FP32", [-1, 3])),
        ("views", MICHEL_OUTPUT, ("FP32", [-1, -1, 2])),
        ("views", "extra", ("FP32", [-1, 1])),
    ],
)
def test_other_tensors_are_a_mismatch(
    server: KServe, wire_format: WireFormat, name: str, tensor: tuple[str, list[int]]
) -> None:
    """Another size, type or output must be found before the first request, and what is wrong be told."""
    server.tensors[name] = tensor
    transport = a_transport(server.address, wire_format)
    with pytest.raises(ModelMismatch, match=r"tensors of cnn.*check the campaign's network"):
        transport.check(5)
    transport.close()


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({}, "message_version of cnn_views is None, ours is 1"),
        ({"most_patches": "300"}, "message_version of cnn_views is None"),
        ({"most_patches": "300", "message_version": "2"}, "message_version of cnn_views is 2, ours is 1"),
        ({"message_version": "1"}, "most_patches of cnn_views is '', not a number"),
        ({"most_patches": "many", "message_version": "1"}, "most_patches of cnn_views is 'many'"),
        ({"most_patches": "0", "message_version": "1"}, "most_patches of cnn_views is '0'"),
        ({"most_patches": "-5", "message_version": "1"}, "most_patches of cnn_views is '-5'"),
    ],
)
def test_a_views_model_of_another_make_is_a_mismatch(
    server: KServe, parameters: dict[str, str], complaint: str
) -> None:
    """A server of another version of the format must be found before the first message."""
    server.parameters = parameters
    transport = a_transport(server.address, "views")
    with pytest.raises(ModelMismatch, match=complaint):
        transport.check(5)
    transport.close()


def test_the_plain_model_needs_no_parameters_of_ours(server: KServe) -> None:
    """The experiment's own servers know nothing of this project."""
    server.parameters, server.max_batch = {}, 0
    transport = a_transport(server.address, "patches")
    assert transport.check(5) == 1
    transport.close()


def test_a_port_where_nobody_listens_is_away(wire_format: WireFormat) -> None:
    """A dead server must be EndpointAway, for the check and for a request."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        transport = a_transport(f"127.0.0.1:{reserved.getsockname()[1]}", wire_format)
        with pytest.raises(EndpointAway):
            transport.check(2)
        reply, _ = ask(transport, a_message(wire_format), timeout_s=2)
        assert type(reply.error) is EndpointAway
        transport.close()


def test_a_server_that_accepts_and_never_answers_is_silent_after_the_deadline(wire_format: WireFormat) -> None:
    """A hung server must cost no more than the time that it was given."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = a_transport(f"127.0.0.1:{mute.getsockname()[1]}", wire_format)
        with pytest.raises(EndpointSilent):
            transport.check(0.3)
        reply, _ = ask(transport, a_message(wire_format), timeout_s=0.3)
        assert type(reply.error) is EndpointSilent
        transport.close()


def test_closing_ends_what_is_in_flight() -> None:
    """A closed transport must tell the sender that its request is over, so that nobody waits for it."""
    replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        transport = a_transport(f"127.0.0.1:{mute.getsockname()[1]}")
        transport.send(1, a_message(), 60, replies.put)
        transport.close()
        assert isinstance(replies.get(timeout=10).error, EndpointAway)
        transport.send(2, a_message(), 60, replies.put)
        assert isinstance(replies.get(timeout=10).error, EndpointAway)
