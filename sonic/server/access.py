"""Who may send requests to a pool, and how fast: what a load balancer is told, and whether it can work.

A pool is open by default, because by default it listens on loopback alone. One that other machines reach wants TLS and
tokens. Files that cannot work are refused before anything starts, in words that say which file it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sonic.errors import SetupFailed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OPEN", "Access", "Tls", "Tokens", "check_access"]

OTHERS = 0o077
"""Permission bits of everybody but the owner."""

SECRET_JWK_MEMBERS = {"d", "k"}
"""What only private and symmetric keys have (RFC 7518)."""


@dataclass(frozen=True)
class Tls:
    """What the load balancer shows its clients, and whom it lets in.

    Files that are replaced by a rename are taken up within seconds, without a restart and without a break for
    connections that stand. A pair that does not fit together is left until it does, so the key may be renamed first.

    Attributes:
        certificate: PEM file of the server's certificate, and of those between it and the CA, in this order.
        key: PEM file of its private key, without a passphrase, for its owner alone.
        client_ca: PEM file of the CAs whose clients are let in; a client without a certificate is then refused. None
            lets in every client.

    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True)
class Tokens:
    """Which tokens a client must bring, as `authorization: Bearer TOKEN`; WLCG tokens and SciTokens are such.

    Attributes:
        issuer: what the token's `iss` must be.
        audiences: one of these must be in the token's `aud`.
        jwks: file of the issuer's public keys, a JSON Web Key Set. Other keys are taken up by the next start, which
            restarts the load balancer.

    """

    issuer: str
    audiences: tuple[str, ...]
    jwks: Path


@dataclass(frozen=True)
class Access:
    """Who may send requests, and how fast.

    Attributes:
        tls: None is plain text.
        tokens: None asks for none.
        limit_mbps: most Mb/s on the wire of all requests together; None is no limit.

    """

    tls: Tls | None = None
    tokens: Tokens | None = None
    limit_mbps: float | None = None


OPEN = Access()
"""Everybody who reaches the address may send, as fast as they can."""


def check_access(access: Access) -> None:
    """Make sure that a load balancer can work with all of this.

    Raises:
        SetupFailed: a file is missing, does not fit, has expired, or is a secret that others can read.

    """
    if access.tls is not None:
        _check_tls(access.tls)
    if access.tokens is not None:
        _check_tokens(access.tokens)
    if access.limit_mbps is not None and not access.limit_mbps > 0:
        raise SetupFailed(f"a limit of {access.limit_mbps:g} Mb/s lets nothing through: give more than 0, or none")


def _check_tls(tls: Tls) -> None:
    certificate = _certificates(tls.certificate)[0]
    end = certificate.not_valid_after_utc
    if end < datetime.now(UTC):
        raise SetupFailed(f"{tls.certificate}: expired on {end:%Y-%m-%d %H:%M} UTC: renew it")
    text = _read(tls.key, "private key")
    if tls.key.stat().st_mode & OTHERS:
        raise SetupFailed(f"{tls.key}: others can read this private key: chmod 600 {tls.key}")
    try:
        public = load_pem_private_key(text, None).public_key()
    except TypeError as exc:
        raise SetupFailed(f"{tls.key}: has a passphrase, and nobody is there to type it: give one without") from exc
    except ValueError as exc:
        raise SetupFailed(f"{tls.key}: holds no private key in PEM") from exc
    if public != certificate.public_key():
        raise SetupFailed(f"{tls.key} is not the key of the first certificate in {tls.certificate}")
    if tls.client_ca is not None:
        _certificates(tls.client_ca)


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(file, "certificate"))
    except ValueError as exc:
        raise SetupFailed(f"{file}: holds no certificate in PEM") from exc


def _check_tokens(tokens: Tokens) -> None:
    if not tokens.issuer or not tokens.audiences or not all(tokens.audiences):
        raise SetupFailed("tokens are checked against an issuer and at least one audience: name them")
    try:
        document = json.loads(_read(tokens.jwks, "key set"))
        keys = document["keys"]
        secret = any(SECRET_JWK_MEMBERS & set(key) for key in keys)
    except (ValueError, KeyError, TypeError) as exc:
        raise SetupFailed(f'{tokens.jwks}: is not a JSON Web Key Set, {{"keys": [...]}}') from exc
    if not keys:
        raise SetupFailed(f"{tokens.jwks}: has no key, so that no token would be right")
    if secret:
        raise SetupFailed(f"{tokens.jwks}: holds a private or shared key: give the public keys of the issuer only")


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise SetupFailed(f"{file}: cannot read this {what}: {exc.strerror}") from exc
