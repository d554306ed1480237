"""Files that a pool's access names are checked before anything starts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from sonic.errors import SetupFailed
from sonic.server.access import Access, Tls, Tokens, check_access
from sonic.server.tokens import make_signing_key

if TYPE_CHECKING:
    from pathlib import Path


def _tls(folder: Path, authority: trustme.CA, **how: Any) -> Tls:  # noqa: ANN401 - trustme's own options
    """Write a certificate for 127.0.0.1, its key, and the CA as one for clients."""
    issued = authority.issue_cert("127.0.0.1", **how)
    tls = Tls(folder / "host.pem", folder / "key.pem", folder / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(tls.certificate)
    issued.private_key_pem.write_to_path(tls.key)
    tls.key.chmod(0o600)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return tls


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A CA."""
    return trustme.CA()


def test_what_fits_is_accepted(tmp_path: Path, authority: trustme.CA) -> None:
    """A certificate with its private key, a key set and a limit give no error."""
    check_access(Access(_tls(tmp_path, authority), make_signing_key(tmp_path / "keys"), 100.0))
    check_access(Access())


def test_an_expired_certificate_is_told(tmp_path: Path, authority: trustme.CA) -> None:
    """Nobody could connect, so it is said at the start and with the date."""
    tls = _tls(
        tmp_path, authority, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2020, 2, 1, tzinfo=UTC)
    )
    with pytest.raises(SetupFailed, match=r"host\.pem: expired on 2020-02-01 00:00 UTC"):
        check_access(Access(tls))


def test_a_key_that_others_can_read_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    """A private key is for its owner alone; the error has the command that makes it so."""
    tls = _tls(tmp_path, authority)
    tls.key.chmod(0o640)
    with pytest.raises(SetupFailed, match="chmod 600"):
        check_access(Access(tls))


def test_the_key_of_another_certificate_is_refused(tmp_path: Path, authority: trustme.CA) -> None:
    """Key and certificate must belong together."""
    tls = _tls(tmp_path, authority)
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(tls.key)
    with pytest.raises(SetupFailed, match="is not the key of the first certificate"):
        check_access(Access(tls))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("host.pem", None, "cannot read this certificate"),
        ("host.pem", "no PEM", "no certificate in PEM"),
        ("key.pem", None, "cannot read this private key"),
        ("key.pem", "no PEM", "no private key in PEM"),
        ("ca.pem", None, "cannot read this certificate"),
    ],
)
def test_files_that_are_not_what_they_should_be(
    tmp_path: Path, authority: trustme.CA, name: str, content: str | None, words: str
) -> None:
    """A missing file and one with something else in it are named."""
    tls = _tls(tmp_path, authority)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    with pytest.raises(SetupFailed, match=f"{name}: .*{words}"):
        check_access(Access(tls))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "is not a JSON Web Key Set"),
        ("[]", "is not a JSON Web Key Set"),
        ('{"keys": []}', "has no key"),
        ('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "private or shared key"),
        (json.dumps({"keys": [{"kty": "EC", "x": "1", "y": "2", "d": "3"}]}), "private or shared key"),
    ],
)
def test_a_key_set_that_cannot_be_used(tmp_path: Path, document: str, words: str) -> None:
    """Not a set, an empty one, and one with secrets in it are refused."""
    (tmp_path / "jwks.json").write_text(document)
    with pytest.raises(SetupFailed, match=words):
        check_access(Access(tokens=Tokens("issuer", ("pool",), tmp_path / "jwks.json")))


@pytest.mark.parametrize(("issuer", "audiences"), [("", ("pool",)), ("issuer", ()), ("issuer", ("",))])
def test_issuer_and_audience_must_be_named(tmp_path: Path, issuer: str, audiences: tuple[str, ...]) -> None:
    """Without them a token for somebody else would do."""
    tokens = make_signing_key(tmp_path)
    with pytest.raises(SetupFailed, match="issuer and at least one audience"):
        check_access(Access(tokens=Tokens(issuer, audiences, tokens.jwks)))


@pytest.mark.parametrize("limit_mbps", [0.0, -1.0, float("nan")])
def test_a_limit_lets_something_through(limit_mbps: float) -> None:
    """Zero would be a pool that never answers."""
    with pytest.raises(SetupFailed, match="lets nothing through"):
        check_access(Access(limit_mbps=limit_mbps))
