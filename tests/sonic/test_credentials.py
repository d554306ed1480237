"""Credentials: usable files and nothing else, renewed tokens at once, and no secret where it could be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonic.client import Client
from sonic.credentials import Credentials, Token
from sonic.errors import CredentialsUnusable

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "eyJhbGciOiJFUzI1NiJ9.s3cr3t.s1gnature"  # noqa: S105  # of nobody
FAR = "triton.example.org:8001"


def a_file(path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    """Write a file with a mode."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_token_becomes_the_header_of_a_request(tmp_path: Path) -> None:
    """The token alone must be sent, without the line's end."""
    token = Token(a_file(tmp_path / "token", f"{SECRET}\n"))
    assert token.headers() == {"authorization": f"Bearer {SECRET}"}


def test_a_renewed_token_is_used_from_then_on(tmp_path: Path) -> None:
    """Written over, or replaced by another file: the next request must have the new one."""
    file = a_file(tmp_path / "token", "first")
    token = Token(file)
    assert token.headers() == {"authorization": "Bearer first"}
    a_file(file, "second-one")
    assert token.headers() == {"authorization": "Bearer second-one"}
    status = file.stat()
    a_file(tmp_path / "new", "third--one").replace(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert token.headers() == {"authorization": "Bearer third--one"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o660, 0o666])
def test_a_token_or_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The error must name the file and what to do, not what is in it."""
    file = a_file(tmp_path / "secret", mode=mode)
    with pytest.raises(CredentialsUnusable, match=r"secret: the token is open to others.*chmod 600") as caught:
        Token(file).headers()
    assert SECRET not in str(caught.value)
    certificate = a_file(tmp_path / "cert.pem", "PEM", 0o644)
    with pytest.raises(CredentialsUnusable, match=r"secret: the private key is open to others"):
        Credentials(tls=True, certificate_file=certificate, key_file=file).check(FAR)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_private_files_are_fine(tmp_path: Path, mode: int) -> None:
    """Modes that only let the owner in must do; certificates are no secret."""
    credentials = Credentials(
        tls=True,
        ca_file=a_file(tmp_path / "ca.pem", "PEM", 0o644),
        certificate_file=a_file(tmp_path / "cert.pem", "PEM", 0o644),
        key_file=a_file(tmp_path / "key.pem", "PEM", mode),
        token_file=a_file(tmp_path / "token", mode=mode),
    )
    credentials.check(FAR)


@pytest.mark.parametrize("name", ["ca_file", "certificate_file", "key_file", "token_file"])
def test_files_that_are_missing_or_empty_are_named(tmp_path: Path, name: str) -> None:
    """Each must be found before the first connection; a folder is no file."""
    good = a_file(tmp_path / "good")
    (tmp_path / "folder").mkdir(0o700)
    a_file(tmp_path / "empty", " \n")
    pair = {"certificate_file": good, "key_file": good} if name in ("certificate_file", "key_file") else {}
    for bad, complaint in (("missing", "cannot be read"), ("folder", "cannot be read"), ("empty", "is empty")):
        credentials = Credentials(tls=True, **{**pair, name: tmp_path / bad})
        with pytest.raises(CredentialsUnusable, match=f"{bad}: .*{complaint}"):
            credentials.check(FAR)


@pytest.mark.parametrize("text", ["two words", "tab\tinside", "two\nlines", "naïve", "bell\x07", "nul\x00"])
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    """Something that cannot be a header must not be sent, and not be printed either: it may be another secret."""
    with pytest.raises(CredentialsUnusable, match="one word of ASCII") as caught:
        Token(a_file(tmp_path / "token", text)).headers()
    assert text not in str(caught.value)
    assert text not in repr(caught.value.__cause__)


@given(st.binary(max_size=200))
def test_any_content_is_a_clean_header_or_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Whatever is in the file, a header must be one printable ASCII word."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.touch(0o600)
    file.write_bytes(content)
    try:
        (value,) = Token(file).headers().values()
    except CredentialsUnusable:
        return
    word = value.removeprefix("Bearer ")
    assert word.encode() == content.strip()
    assert all("!" <= letter <= "~" for letter in word)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8001", "127.9.9.9:8001", "localhost:8001", "[::1]:8001"])
def test_a_token_may_go_without_tls_on_this_machine(tmp_path: Path, endpoint: str) -> None:
    """Nobody is between, so tests and a local pool need no certificates."""
    Credentials(token_file=a_file(tmp_path / "token")).check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        FAR,
        "10.0.0.1:8001",
        "127.evil.example:8001",
        "127.0.0.1.evil.example:8001",
        "localhost.evil.example:8001",
        "[::2]:8001",
        "dns:///127.0.0.1:8001",
        "127.0.0.1",
        "",
    ],
)
def test_a_token_never_goes_over_a_network_readable(tmp_path: Path, endpoint: str) -> None:
    """Off this machine a token needs TLS, also where a name only looks like this machine."""
    credentials = Credentials(token_file=a_file(tmp_path / "token"))
    with pytest.raises(CredentialsUnusable, match=r"without encryption.*`tls`") as caught:
        credentials.check(endpoint)
    assert SECRET not in str(caught.value)
    with pytest.raises(CredentialsUnusable, match="without encryption"):
        Client(["127.0.0.1:8001", endpoint], credentials=credentials)


@pytest.mark.parametrize("name", ["certificate_file", "key_file"])
def test_half_a_pair_is_refused(tmp_path: Path, name: str) -> None:
    """GRPC would end the whole process over a certificate without its key, or a key without its certificate."""
    credentials = Credentials(tls=True, **{name: a_file(tmp_path / "half.pem", "PEM")})
    with pytest.raises(CredentialsUnusable, match=r"half\.pem: .*go together"):
        credentials.check(FAR)
