"""How large a request may be: the least of what everybody allows, and never nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonic.endpoints import Endpoint
from sonic.formats import format_named
from sonic.limits import Limits
from sonic.network import PATCH_BYTES
from sonic.pace import WIRE_OVERHEAD, Pacer
from sonic.request_size import ENVELOPE_BYTES, largest_request

BYTES_PER_S_IN_MBPS = 125_000


def an_endpoint(most_patches: int = 65_536, most_bytes: float = float("inf")) -> Endpoint:
    """Return an endpoint that has been checked."""
    return Endpoint("a:1", most_patches=most_patches, most_bytes=most_bytes)


@pytest.mark.parametrize(
    ("limits", "endpoint", "patches"),
    [
        (Limits(), an_endpoint(), 256),
        (Limits(), an_endpoint(most_patches=5), 5),
        (Limits(), an_endpoint(most_bytes=7.5 * PATCH_BYTES), 7),
        (Limits(largest_request_bytes=3 * PATCH_BYTES), an_endpoint(), 3),
        (Limits(largest_request_bytes=1), an_endpoint(), 1),
    ],
)
def test_a_batch_of_patches_is_what_everybody_allows(limits: Limits, endpoint: Endpoint, patches: int) -> None:
    """Client, server and path each have a say, and one patch goes always."""
    assert largest_request(format_named("patches"), limits, Pacer(None), endpoint).patches == patches


@given(st.floats(0.01, 10_000))
def test_a_paced_batch_is_a_small_part_of_a_second(rate_mbps: float) -> None:
    """With any share, a batch of more than one patch must fit into an eighth of a second."""
    most = largest_request(format_named("patches"), Limits(), Pacer(rate_mbps), an_endpoint())
    wire_bytes = (most.patches * PATCH_BYTES + ENVELOPE_BYTES) * WIRE_OVERHEAD
    assert most.patches == 1 or wire_bytes <= rate_mbps * BYTES_PER_S_IN_MBPS / 8 + ENVELOPE_BYTES * WIRE_OVERHEAD


@given(st.floats(0.01, 10_000))
def test_a_paced_message_is_a_quarter_of_a_second_but_not_tiny(rate_mbps: float) -> None:
    """Strips that were too small would be mostly overlap: below a floor the share no longer makes them smaller."""
    limits = Limits()
    most = largest_request(format_named("views"), limits, Pacer(rate_mbps), an_endpoint())
    in_time = rate_mbps * BYTES_PER_S_IN_MBPS / 4 / WIRE_OVERHEAD
    assert most.patches == limits.message_patches
    assert most.payload_bytes == pytest.approx(
        min(limits.largest_request_bytes, max(in_time, limits.least_message_bytes))
    )


def test_a_message_asks_for_no_more_than_the_server_cuts() -> None:
    """The server says how many patches it cuts for one message, the path how large it may be."""
    most = largest_request(format_named("views"), Limits(), Pacer(None), an_endpoint(100, 5000.0))
    assert (most.patches, most.payload_bytes) == (100, 5000.0)
