"""Tokens of a pool's own: a signing key, its public half for the load balancer, and JWTs with a life time.

For the embedded pool and for tests, where no experiment's token issuer stands beside. Such tokens have the same form
as those of WLCG and SciTokens, so what takes the ones takes the others.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from sonic.errors import SetupFailed
from sonic.server.access import Tokens

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AUDIENCE", "DEFAULT_LIFETIME_S", "ISSUER", "make_signing_key", "sign_token", "write_private"]

ISSUER = "sonicgrid-pool"
AUDIENCE = "sonicgrid"

DEFAULT_LIFETIME_S = 24 * 3600.0

KEY_FILE, JWKS_FILE = "key.pem", "jwks.json"
ALGORITHM = "ES256"


def make_signing_key(folder: Path) -> Tokens:
    """Have a signing key in a folder, made if it is not there, and return what the load balancer shall accept.

    Args:
        folder: gets the key, for its owner alone, and the set of its public half.

    Raises:
        SetupFailed: the folder cannot be written, or what is there is not such a key.

    """
    key_file, jwks = folder / KEY_FILE, folder / JWKS_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not key_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_private(key_file, pem.decode())
        public = _read_key(folder).public_key()
        text = json.dumps({"keys": [{**ECAlgorithm.to_jwk(public, as_dict=True), "alg": ALGORITHM, "use": "sig"}]})
        if not jwks.exists() or jwks.read_text() != text:
            write_private(jwks, text)
    except OSError as exc:
        raise SetupFailed(f"cannot keep a signing key in {folder}: {exc}") from exc
    return Tokens(ISSUER, (AUDIENCE,), jwks)


def sign_token(
    folder: Path,
    *,
    lifetime_s: float = DEFAULT_LIFETIME_S,
    subject: str = "sonicgrid",
    issuer: str = ISSUER,
    audience: str = AUDIENCE,
) -> str:
    """Return a token, signed with the key that `make_signing_key` left in a folder.

    Args:
        folder: where the key is.
        lifetime_s: how long the token is good, from now; negative for one that has expired.
        subject: whom it is for.
        issuer: what it names as its issuer.
        audience: whom it is meant to convince.

    Raises:
        SetupFailed: there is no such key.

    """
    now = time.time()
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": int(now),
        "nbf": int(min(now, now + lifetime_s)),
        "exp": int(now + lifetime_s),
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(claims, _read_key(folder), algorithm=ALGORITHM)


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all.

    Raises:
        OSError: it cannot be written.

    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _read_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    file = folder / KEY_FILE
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except FileNotFoundError as exc:
        raise SetupFailed(f"{file}: no such key: start the pool with tokens of its own first") from exc
    except (OSError, ValueError, TypeError) as exc:
        raise SetupFailed(f"{file}: is not a signing key of ours: {exc}") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SetupFailed(f"{file}: is not a signing key of ours: it is not on a curve")
    return key
