"""The file that says who may send requests to the embedded pool."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import ConfigError
from jobs.pool.access import keys_folder, read_access
from sonic.server.access import OPEN, Access, Tls, Tokens


def _write(folder: Path, text: str) -> Path:
    (folder / "access.yaml").write_text(text)
    return folder / "access.yaml"


def test_without_a_file_the_pool_is_open_on_loopback(tmp_path: Path) -> None:
    """Nobody else's machine reaches it, and nothing is made."""
    assert read_access(None, tmp_path) == ("127.0.0.1", OPEN)
    assert list(tmp_path.iterdir()) == []


def test_every_key_is_read(tmp_path: Path) -> None:
    """Names of files are relative to the file that names them, the limit is in Mb/s."""
    file = _write(
        tmp_path,
        "address: 10.1.2.3\n"
        "tls: {certificate: host.pem, key: /etc/host.key, client_ca: ca.pem}\n"
        "tokens: {issuer: https://tokens.example.org, audiences: [pool, any], jwks: keys/jwks.json}\n"
        "limit: 2 Gb/s\n",
    )
    assert read_access(file, tmp_path / "pool") == (
        "10.1.2.3",
        Access(
            Tls(tmp_path / "host.pem", Path("/etc/host.key"), tmp_path / "ca.pem"),
            Tokens("https://tokens.example.org", ("pool", "any"), tmp_path / "keys" / "jwks.json"),
            2000.0,
        ),
    )


def test_tokens_of_its_own_make_a_key(tmp_path: Path) -> None:
    """The pool gets a signing key, and keeps it."""
    file = _write(tmp_path, "tokens: own\n")
    _, first = read_access(file, tmp_path / "pool")
    key = (keys_folder(tmp_path / "pool") / "key.pem").read_bytes()

    assert read_access(file, tmp_path / "pool")[1] == first
    assert (keys_folder(tmp_path / "pool") / "key.pem").read_bytes() == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("address: 10.1.2.3\ntokens: own\n", "without TLS"),
        ("address: 10.1.2.3\ntls: {certificate: a, key: b}\n", "lets in everybody who can reach it"),
        ("address: pool.example.org\n", "is no IPv4 address"),
        ("tls: {certificate: a}\n", "tls.key: is missing"),
        ("tokens: {issuer: a, audiences: [], jwks: b}\n", "audiences"),
        ("tokens: yes please\n", "tokens"),
        ("limit: 100\n", "has no unit"),
        ("limit: 0 Mb/s\n", "must be more than 0"),
        ("token: own\n", "did you mean 'tokens'"),
    ],
)
def test_a_file_that_does_not_check_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """The error names the file, the line and the key, and says what to do; no key is made."""
    file = _write(tmp_path, text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_access(file, tmp_path / "pool")
    assert str(file) in str(caught.value)
    assert not (tmp_path / "pool").exists()
