"""Envoy's configuration; that Envoy accepts it and acts on it is in tests/integration/test_servers.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sonic.network import PATCH_BYTES
from sonic.server.access import OPEN, Access, Tls, Tokens
from sonic.server.envoy import (
    Balancer,
    bootstrap,
    endpoints,
    healthy_servers,
    requests_in_flight,
    write_endpoints,
    write_secrets,
)
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


def test_only_the_client_sets_a_deadline(tmp_path: Path) -> None:
    """A request may take as long as its client waits, and one of 4,096 patches can be sent to a second server."""
    config = json.loads(bootstrap(Balancer(20_001, 20_002), tmp_path / "endpoints.json"))
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]

    assert manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["timeout"] == "0s"
    assert manager["stream_idle_timeout"] == "0s"
    assert listener["per_connection_buffer_limit_bytes"] > 4096 * PATCH_BYTES


def test_a_pool_is_open_unless_told_otherwise(tmp_path: Path) -> None:
    """By default there is no TLS, no token check and no limit; each is there when it is asked for."""
    tls = Tls(tmp_path / "host.pem", tmp_path / "key.pem")
    (tmp_path / "jwks.json").write_text("{}")
    guarded = Access(tls, Tokens("issuer", ("pool",), tmp_path / "jwks.json"), 10.0)
    chains = []
    for access in (OPEN, guarded):
        config = json.loads(bootstrap(Balancer(20_001, 20_002, access=access), tmp_path / "endpoints.json"))
        chains.append(config["static_resources"]["listeners"][0]["filter_chains"][0])

    filters = [chain["filters"][0]["typed_config"]["http_filters"] for chain in chains]
    assert ["transport_socket" in chain for chain in chains] == [False, True]
    assert [len(names) for names in filters] == [1, 3]


def test_nobody_can_stop_envoy_through_its_page(tmp_path: Path) -> None:
    """The page that every user of the machine reaches has numbers only."""
    config = json.loads(bootstrap(Balancer(20_001, 20_002), tmp_path / "endpoints.json"))
    allowed = {path["prefix"] for path in config["admin"]["allow_paths"]}

    assert {"/clusters", "/stats"} <= allowed
    assert not {"/quitquitquit", "/logging", "/runtime_modify", "/config_dump"} & allowed


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
    port = PortPicker().pick()
    assert healthy_servers(port) is None
    assert requests_in_flight(port) is None


def test_secrets_are_named_and_not_copied(tmp_path: Path) -> None:
    """Envoy's files hold the paths of key and certificates, nothing of what is in them; no TLS, no file."""
    key = tmp_path / "key.pem"
    key.write_text("very secret")
    write_secrets(tmp_path, OPEN)
    assert list(tmp_path.iterdir()) == [key]
    write_secrets(tmp_path, Access(Tls(tmp_path / "host.pem", key)))

    (written,) = set(tmp_path.iterdir()) - {key}
    assert str(key) in written.read_text()
    assert "very secret" not in written.read_text()
