"""What gRPC, tritonclient, proxies and servers say becomes an error of ours, and none is missed."""

from __future__ import annotations

import queue
import socket
from typing import TYPE_CHECKING

import grpc  # type: ignore[import-untyped]  # grpcio publishes no type information
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.utils import InferenceServerException

from sonic.errors import (
    BadAnswer,
    EndpointAway,
    EndpointNotReady,
    EndpointOverloaded,
    EndpointSilent,
    EndpointUntrusted,
    ModelMismatch,
    ModelMissing,
    RequestRefused,
    RequestTooLarge,
    SonicError,
    TokenRefused,
)
from sonic.foreign_errors import _TOLD_BY_TEXT, ERROR_OF_STATUS, sonic_error
from sonic.hit_pixels import Span
from sonic.message import Message
from tests.builders.client import FORMATS
from tests.builders.kserve import KServe, a_message, a_transport, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sonic.transport import Reply, TritonTransport
    from sonic.wire_format import WireFormat

STATUSES = {str(status): status for status in grpc.StatusCode}
NOT_CONNECTED = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:8001: "

TOLD = [
    ("UNAVAILABLE", "Exceeds maximum queue size", EndpointOverloaded),
    (
        "UNAVAILABLE",
        "upstream connect error or disconnect/reset before headers. reset reason: overflow",
        EndpointOverloaded,
    ),
    ("UNAVAILABLE", f"{NOT_CONNECTED}Ssl handshake failed (TSI_PROTOCOL_FAILURE)", EndpointUntrusted),
    ("UNAVAILABLE", f"{NOT_CONNECTED}Tls handshake failed (TSI_PROTOCOL_FAILURE)", EndpointUntrusted),
    ("UNAVAILABLE", f"{NOT_CONNECTED}CERTIFICATE_VERIFY_FAILED: certificate has expired", EndpointUntrusted),
    ("UNAVAILABLE", f"{NOT_CONNECTED}Failed to create security handshaker.", EndpointUntrusted),
    ("UNAVAILABLE", f"{NOT_CONNECTED}Custom verification check failed with error: Hostname", EndpointUntrusted),
    ("UNAVAILABLE", "Unwrap failed (TSI_DATA_CORRUPTED)", EndpointUntrusted),
    ("UNAVAILABLE", f"{NOT_CONNECTED}Handshake read failed", EndpointUntrusted),
    ("UNAVAILABLE", "Request for unknown model: 'cnn' version 1 is not ready", EndpointNotReady),
    ("NOT_FOUND", "Request for unknown model: 'cnn' has no available versions", EndpointNotReady),
    ("RESOURCE_EXHAUSTED", "CLIENT: Received message larger than max (9 vs. 4)", RequestTooLarge),
    ("UNKNOWN", "Payload Too Large", RequestTooLarge),
    ("UNKNOWN", "Received http2 header with status: 413", RequestTooLarge),
    ("INVALID_ARGUMENT", "[request id: 1] inference request batch-size must be <= 512 for 'cnn'", RequestTooLarge),
    ("INVALID_ARGUMENT", "unexpected shape for input 'main_input' for model 'cnn'", ModelMismatch),
    ("INVALID_ARGUMENT", "inference input data-type is: unexpected datatype TYPE_INT8", ModelMismatch),
    ("INVALID_ARGUMENT", "unexpected inference input 'message' for model 'cnn'", ModelMismatch),
]
"""What servers, proxies and gRPC say where the status alone does not tell."""

OTHERWISE = [
    ("UNAVAILABLE", f"{NOT_CONNECTED}Connection refused", EndpointAway),
    ("UNAVAILABLE", "Socket closed", EndpointAway),
    ("RESOURCE_EXHAUSTED", "rate limited", EndpointOverloaded),
    ("UNKNOWN", "Received http2 header with status: 502", EndpointAway),
    ("UNKNOWN", "413 hits", EndpointAway),
    ("NOT_FOUND", "Request for unknown model: 'cnn' version 77 is not found", ModelMissing),
    ("INVALID_ARGUMENT", "not a message of a view: a pixel is infinite", RequestRefused),
    ("INTERNAL", "certificate of merit", EndpointAway),
]
"""What looks like one of those and is none."""


@pytest.fixture
def server() -> Iterator[KServe]:
    """Run a server on a free port."""
    with KServe() as running:
        yield running


@pytest.fixture(params=FORMATS)
def transport(server: KServe, request: pytest.FixtureRequest) -> Iterator[TritonTransport]:
    """Open a transport of each wire format to the server."""
    opened = a_transport(server.address, request.param)
    yield opened
    opened.close()


def test_every_grpc_status_has_its_error() -> None:
    """A status that gRPC knows and we do not would surface as a KeyError in somebody's job."""
    assert set(ERROR_OF_STATUS) == set(grpc.StatusCode)


@pytest.mark.parametrize("status", list(grpc.StatusCode), ids=lambda status: status.name)
def test_tritonclients_errors_become_ours(status: grpc.StatusCode) -> None:
    """Every status must give the error of the table, with the endpoint and the status in its text."""
    error = sonic_error(InferenceServerException("why", status=str(status)), "server-7:8001")
    assert type(error) is ERROR_OF_STATUS[status]
    assert isinstance(error, SonicError)
    assert str(error) == f"server-7:8001: why ({status.name})"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("DEADLINE_EXCEEDED", EndpointSilent),
        ("NOT_FOUND", ModelMissing),
        ("PERMISSION_DENIED", TokenRefused),
        ("UNAUTHENTICATED", TokenRefused),
        ("OK", BadAnswer),
    ],
)
def test_the_statuses_that_have_a_name_of_their_own(status: str, kind: type[SonicError]) -> None:
    """These are the ones that an exit class of a job depends on."""
    assert ERROR_OF_STATUS[grpc.StatusCode[status]] is kind


@pytest.mark.parametrize(("status", "text", "kind"), TOLD + OTHERWISE)
def test_the_text_tells_apart_what_one_status_mixes(status: str, text: str, kind: type[SonicError]) -> None:
    """A full queue is no dead server, and a message that is too large will be too large again."""
    error = InferenceServerException(text, status=f"StatusCode.{status}")
    assert type(sonic_error(error, "x:1")) is kind
    assert type(sonic_error(InferenceServerException(text.upper(), status=f"StatusCode.{status}"), "x:1")) is kind


def test_every_row_of_the_table_has_a_text_that_it_is_for() -> None:
    """A row that nothing says any more must not stay."""
    needed = {
        next(row for row in _TOLD_BY_TEXT if row[0] is grpc.StatusCode[status] and row[1] in text.lower())
        for status, text, _ in TOLD
    }
    assert needed == set(_TOLD_BY_TEXT)


def test_the_name_of_an_endpoint_tells_nothing() -> None:
    """What a site calls its host must not change what an error means."""
    error = InferenceServerException("Connection refused", status="StatusCode.UNAVAILABLE")
    assert type(sonic_error(error, "certificate-overflow.example.org:8001")) is EndpointAway


@given(
    st.one_of(st.none(), st.text(max_size=40)),
    st.one_of(st.none(), st.sampled_from(list(STATUSES)), st.text(max_size=20)),
)
def test_no_error_of_the_library_is_unknown(text: str | None, status: str | None) -> None:
    """Without words, without a status or with an unheard-of one: something of ours must come out."""
    error = sonic_error(InferenceServerException(text, status=status), "x:1")
    assert isinstance(error, SonicError)
    if status not in STATUSES:
        assert type(error) is RequestRefused


@pytest.mark.parametrize("status", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_what_a_server_aborts_with_arrives_as_our_error(
    transport: TritonTransport, server: KServe, status: grpc.StatusCode
) -> None:
    """Over a real channel, every status must come out as the table's error, chained to tritonclient's."""
    server.status = status
    reply, _ = ask(transport, a_message(transport._model.format.name))
    assert reply.answer is None
    assert type(reply.error) is ERROR_OF_STATUS[status]
    assert isinstance(reply.error.__cause__, InferenceServerException)


@pytest.mark.parametrize(("status", "text", "kind"), TOLD[:2] + TOLD[-6:])
def test_the_words_of_a_server_arrive_too(
    transport: TritonTransport, server: KServe, status: str, text: str, kind: type[SonicError]
) -> None:
    """What the text tells must survive gRPC, in the check as in a request."""
    server.status, server.says = grpc.StatusCode[status], text
    reply, _ = ask(transport, a_message(transport._model.format.name))
    assert type(reply.error) is kind
    assert text in str(reply.error)


@pytest.mark.parametrize("wire_format", FORMATS)
def test_what_the_library_refuses_to_send_is_a_reply(server: KServe, wire_format: WireFormat) -> None:
    """A tensor of another type is refused before it is sent; the sender must hear of it as of any other error."""
    transport = a_transport(server.address, wire_format)
    reply, _ = ask(transport, Message(Span(0, 1), np.zeros((1, 48, 48, 1), np.float64)))
    assert type(reply.error) is RequestRefused
    assert "unexpected datatype" in str(reply.error)
    transport.close()
    assert server.request_bytes == 0


def test_a_message_larger_than_the_server_takes_is_too_large() -> None:
    """A server with gRPC's own default limit of 4 MiB must be told from one that is overloaded."""
    with KServe() as server:
        transport = a_transport(server.address)
        reply, _ = ask(transport, Message(Span(0, 500), np.zeros((500, 48, 48, 1), np.float32)))
        assert type(reply.error) is RequestTooLarge
        transport.close()


def test_a_connection_that_breaks_while_a_request_is_answered_is_away() -> None:
    """A server that dies with a request must give EndpointAway at once, not at the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        transport = a_transport(f"127.0.0.1:{listening.getsockname()[1]}")
        transport.send(1, a_message(), 60, replies.put)
        connection, _ = listening.accept()
        connection.close()
        listening.close()
        assert type(replies.get(timeout=20).error) is EndpointAway
        transport.close()
