"""How Envoy is told to balance; that it does is in tests/integration/test_draining.py."""

from __future__ import annotations

from pathlib import Path

from sonic.server.balance import cluster, members, route

LISTING = Path("/pool/endpoints.json")


def test_balancing_is_per_request_and_by_load() -> None:
    """The server with the fewest requests in flight gets the next one, of those in a list that Envoy follows."""
    described = cluster(LISTING)
    (policy,) = described["load_balancing_policy"]["policies"]

    assert policy["typed_extension_config"]["typed_config"]["selection_method"] == "FULL_SCAN"
    assert "http2_protocol_options" in str(described["typed_extension_protocol_options"])
    assert described["eds_cluster_config"]["eds_config"]["path_config_source"]["path"] == str(LISTING)


def test_a_full_queue_is_no_reason_to_ask_again() -> None:
    """UNAVAILABLE alone is not sent on to another server, only what says that a server starts or stops."""
    policy = route()["retry_policy"]

    assert "unavailable" not in policy["retry_on"].split(",")
    words = [header["string_match"]["contains"] for header in policy["retriable_headers"]]
    assert words
    assert not any(word in "Exceeds maximum queue size" for word in words)


def test_a_leaving_server_is_listed_as_such() -> None:
    """It stays on the list, so that what it has in flight can be seen, and gets nothing new."""
    (group,) = members([20_001], [20_002])["endpoints"]
    staying, leaving = group["lb_endpoints"]

    assert "health_status" not in staying
    assert leaving["health_status"] == "DRAINING"
    assert leaving["endpoint"]["address"]["socket_address"]["port_value"] == 20_002
