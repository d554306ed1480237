"""Tokens of a pool's own; that Envoy takes them is in tests/integration/test_pool_security.py."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import jwt
import pytest

from sonic.errors import SetupFailed
from sonic.server.access import Access, check_access
from sonic.server.tokens import AUDIENCE, ISSUER, make_signing_key, sign_token, write_private

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_fits_the_key_set(tmp_path: Path) -> None:
    """The public half alone verifies it, with issuer, audience and an end in so many seconds."""
    tokens = make_signing_key(tmp_path)
    (key,) = jwt.PyJWKSet.from_dict(json.loads(tokens.jwks.read_text())).keys

    claims = jwt.decode(sign_token(tmp_path, lifetime_s=600), key, ["ES256"], audience=AUDIENCE, issuer=ISSUER)

    assert 590 < claims["exp"] - time.time() <= 600
    assert (tokens.issuer, tokens.audiences) == (ISSUER, (AUDIENCE,))
    check_access(Access(tokens=tokens))


def test_the_key_stays(tmp_path: Path) -> None:
    """Asked for again, it is the same one, so that tokens that are out stay good."""
    tokens = make_signing_key(tmp_path)
    before = tokens.jwks.read_bytes()
    tokens.jwks.unlink()

    assert make_signing_key(tmp_path) == tokens
    assert tokens.jwks.read_bytes() == before


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else can read it, nor look into its folder."""
    make_signing_key(tmp_path / "keys")

    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "keys").iterdir())


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    """The error says what to do; a file that is no key is told, too."""
    with pytest.raises(SetupFailed, match="start the pool"):
        sign_token(tmp_path)
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(SetupFailed, match="not a signing key"):
        sign_token(tmp_path)
    with pytest.raises(SetupFailed, match="not a signing key"):
        make_signing_key(tmp_path)


def test_a_private_file_is_never_readable_by_others(tmp_path: Path) -> None:
    """It replaces one with wider permissions, and leaves nothing beside it."""
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")

    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
