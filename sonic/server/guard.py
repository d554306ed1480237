"""What Envoy checks before a request reaches a server: the connection's TLS, the request's token, everybody's rate.

Only the names of certificate and key files stand in what is written here, never what is in them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sonic.server.access import Access, Tls, Tokens

__all__ = ["KIB_PER_S_PER_MBPS", "filters", "secrets", "transport_socket"]

SERVER, CLIENT_CA = "server", "client-ca"

KIB_PER_S_PER_MBPS = 116
"""1 Mb/s is 122 KiB/s, of which 5 % go to the frames of the network, which Envoy does not count."""

TYPES = "type.googleapis.com/envoy.extensions"


def transport_socket(tls: Tls, folder: Path) -> dict[str, Any]:
    """Return how the listener does TLS; `folder` has the files of `secrets`."""
    common: dict[str, Any] = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": ["h2"],
        "tls_certificate_sds_secret_configs": [_from_file(SERVER, folder)],
    }
    if tls.client_ca is not None:
        common["validation_context_sds_secret_config"] = _from_file(CLIENT_CA, folder)
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": tls.client_ca is not None,
        },
    }


def secrets(tls: Tls) -> dict[str, str]:
    """Return the files that say where the certificates are, by name, as JSON; Envoy watches what they point at."""
    pair = {"certificate_chain": {"filename": str(tls.certificate)}, "private_key": {"filename": str(tls.key)}}
    found: dict[str, dict[str, Any]] = {SERVER: {"tls_certificate": pair}}
    if tls.client_ca is not None:
        found[CLIENT_CA] = {"validation_context": {"trusted_ca": {"filename": str(tls.client_ca)}}}
    kind = f"{TYPES}.transport_sockets.tls.v3.Secret"
    # One in each: Envoy refuses a file with two.
    return {
        _file_name(name): json.dumps({"resources": [{"@type": kind, "name": name, **secret}]}, indent=2)
        for name, secret in found.items()
    }


def filters(access: Access) -> list[dict[str, Any]]:
    """Return what every request goes through before it is sent on: the token first, so that a refusal costs nothing."""
    chain = []
    if access.tokens is not None:
        chain.append({"name": "envoy.filters.http.jwt_authn", "typed_config": _token_check(access.tokens)})
    if access.limit_mbps is not None:
        limit = {
            "@type": f"{TYPES}.filters.http.bandwidth_limit.v3.BandwidthLimit",
            "stat_prefix": "clients",
            "enable_mode": "REQUEST",
            # KiB/s, in spite of its name.
            "limit_kbps": max(1, round(access.limit_mbps * KIB_PER_S_PER_MBPS)),
        }
        chain.append({"name": "envoy.filters.http.bandwidth_limit", "typed_config": limit})
    return chain


def _token_check(tokens: Tokens) -> dict[str, Any]:
    provider = {
        "issuer": tokens.issuer,
        "audiences": list(tokens.audiences),
        # By default a token that never expires would do.
        "require_expiration": True,
        # What is in the file, not its name, so that other keys are another configuration.
        "local_jwks": {"inline_string": tokens.jwks.read_text()},
    }
    return {
        "@type": f"{TYPES}.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"issuer": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}}],
    }


def _from_file(name: str, folder: Path) -> dict[str, Any]:
    source = {"resource_api_version": "V3", "path_config_source": {"path": str(folder / _file_name(name))}}
    return {"name": name, "sds_config": source}


def _file_name(secret: str) -> str:
    return f"secret-{secret}.json"
