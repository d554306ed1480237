"""Envoy's configuration; that Envoy accepts it and acts on it is in tests/integration/test_servers.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sonic.network import PATCH_BYTES
from sonic.server.envoy import Balancer, bootstrap, endpoints, healthy_servers, write_endpoints
from sonic.server.ports import PortPicker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _addresses(tree: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - any JSON
    """Yield every address and port in a configuration."""
    if isinstance(tree, dict):
        if "socket_address" in tree:
            yield tree["socket_address"]["address"], tree["socket_address"]["port_value"]
        for value in tree.values():
            yield from _addresses(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _addresses(value)


def test_envoy_listens_on_loopback_alone(tmp_path: Path) -> None:
    """Clients and administrators reach Envoy on 127.0.0.1, and two Envoys cannot share a port unnoticed."""
    config = json.loads(bootstrap(Balancer(20_001, 20_002), tmp_path / "endpoints.json"))

    assert set(_addresses(config)) == {("127.0.0.1", 20_001), ("127.0.0.1", 20_002)}
    assert config["static_resources"]["listeners"][0]["enable_reuse_port"] is False


def test_only_clients_get_another_address(tmp_path: Path) -> None:
    """A pool for other machines lets clients in at the address it was given; all else stays on loopback."""
    config = json.loads(bootstrap(Balancer(20_001, 20_002, "10.1.2.3"), tmp_path / "endpoints.json"))

    assert set(_addresses(config)) == {("10.1.2.3", 20_001), ("127.0.0.1", 20_002)}
    assert set(_addresses(json.loads(endpoints([20_003])))) == {("127.0.0.1", 20_003)}


def test_balancing_is_per_request_and_by_load(tmp_path: Path) -> None:
    """The server with the fewest requests in flight gets the next one, and only the client sets a deadline."""
    config = json.loads(bootstrap(Balancer(20_001, 20_002), tmp_path / "endpoints.json"))
    (cluster,) = config["static_resources"]["clusters"]
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]

    assert cluster["lb_policy"] == "LEAST_REQUEST"
    assert "http2_protocol_options" in str(cluster["typed_extension_protocol_options"])
    assert manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["timeout"] == "0s"
    assert listener["per_connection_buffer_limit_bytes"] > 4096 * PATCH_BYTES
    assert cluster["eds_cluster_config"]["eds_config"]["path_config_source"]["path"] == str(tmp_path / "endpoints.json")


def test_endpoints_list_every_server(tmp_path: Path) -> None:
    """The list that Envoy follows has all servers, and is replaced in one step."""
    file = tmp_path / "endpoints.json"
    write_endpoints(file, [20_003])
    write_endpoints(file, [20_003, 20_004])

    assert json.loads(file.read_text()) == json.loads(endpoints([20_003, 20_004]))
    assert set(_addresses(json.loads(file.read_text()))) == {("127.0.0.1", 20_003), ("127.0.0.1", 20_004)}
    assert [path.name for path in tmp_path.iterdir()] == ["endpoints.json"]


def test_no_envoy_is_no_answer() -> None:
    """Asking an Envoy that is not there gives None, not an error."""
    assert healthy_servers(PortPicker().pick()) is None
