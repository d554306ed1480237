"""What Envoy is told to check; that it does is in tests/integration/test_pool_security.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sonic.server.access import OPEN, Access, Tls, Tokens
from sonic.server.guard import filters, secrets, transport_socket

HOST, KEY, CA = Path("/etc/host.pem"), Path("/etc/key.pem"), Path("/etc/ca.pem")
POOL = Path("/pool")


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Tokens of an issuer whose keys are in a file."""
    (tmp_path / "jwks.json").write_text('{"keys": ["first"]}')
    return Tokens("issuer", ("pool", "any"), tmp_path / "jwks.json")


def test_tls_is_1_2_at_least_and_speaks_http2() -> None:
    """Older versions are refused, and clients of gRPC find HTTP/2."""
    common = transport_socket(Tls(HOST, KEY), POOL)["typed_config"]["common_tls_context"]

    assert common["tls_params"]["tls_minimum_protocol_version"] == "TLSv1_2"
    assert common["alpn_protocols"] == ["h2"]


@pytest.mark.parametrize("client_ca", [None, CA])
def test_a_client_certificate_is_required_where_a_ca_is_named(client_ca: Path | None) -> None:
    """Naming a CA for clients is not an offer: without a certificate of it nobody gets in."""
    tls = Tls(HOST, KEY, client_ca)
    described = transport_socket(tls, POOL)["typed_config"]

    assert described["require_client_certificate"] is (client_ca is not None)
    assert ("validation_context_sds_secret_config" in described["common_tls_context"]) is (client_ca is not None)
    assert [str(CA) in text for text in secrets(tls).values()] == ([False, True] if client_ca else [False])
    assert all(len(json.loads(text)["resources"]) == 1 for text in secrets(tls).values())
    assert all(f"/pool/{name}" in json.dumps(described) for name in secrets(tls))


def test_an_open_pool_checks_nothing() -> None:
    """By default requests go straight on."""
    assert filters(OPEN) == []


def test_the_token_comes_before_the_limit(tokens: Tokens) -> None:
    """A request without a right token uses nothing of the bandwidth of the others."""
    names = [step["name"] for step in filters(Access(tokens=tokens, limit_mbps=10))]

    assert names == ["envoy.filters.http.jwt_authn", "envoy.filters.http.bandwidth_limit"]


def test_a_token_must_end_some_day(tokens: Tokens) -> None:
    """A token that never expires is refused, and each request needs one."""
    (check,) = filters(Access(tokens=tokens))
    described = check["typed_config"]

    assert described["providers"]["issuer"]["require_expiration"] is True
    assert described["rules"] == [{"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}}]


def test_other_keys_are_another_configuration(tokens: Tokens) -> None:
    """A start after the issuer has changed its keys sees the difference, though the file has the same name."""
    before = filters(Access(tokens=tokens))
    assert filters(Access(tokens=tokens)) == before
    tokens.jwks.write_text('{"keys": ["second"]}')

    assert filters(Access(tokens=tokens)) != before


def test_the_limit_is_megabits_on_the_wire() -> None:
    """8,000 Mb/s are 928,000 KiB/s of payload, as in the how-to for gateways; less than 1 KiB/s is 1."""
    limits = [filters(Access(limit_mbps=limit))[0]["typed_config"]["limit_kbps"] for limit in (8000, 0.001)]

    assert limits == [928_000, 1]
