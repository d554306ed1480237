"""What a client shows to a pool, and how it knows that the pool is the right one: certificates and a token, from files.

All are read where the job runs. The token is read again whenever its file changes, so that one which is renewed while
the job runs is used from then on; certificates are read again when a connection is not trusted.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sonic.errors import CredentialsUnusable

__all__ = ["Credentials", "Token"]

_LONGEST_TOKEN_BYTES = 65_536


@dataclass(frozen=True)
class Credentials:
    """Files of one client; with none of them it speaks without encryption and shows nothing.

    Attributes:
        tls: whether to speak TLS.
        ca_file: certificates of the authorities that may vouch for a server, PEM; None for the system's.
        certificate_file: our certificate and its chain, PEM; None to show none.
        key_file: its private key, PEM.
        token_file: the bearer token.

    """

    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None

    def check(self, endpoint: str) -> None:
        """Refuse what would leak, or could not work, before the first connection.

        Raises:
            CredentialsUnusable: a file is missing, empty or open to others, a certificate lacks its key or a key its
                certificate, or a token would travel readable.

        """
        if (self.certificate_file is None) != (self.key_file is None):
            # gRPC ends the whole process over such a pair.
            message = f"{self.certificate_file or self.key_file}: a certificate and its private key go together"
            raise CredentialsUnusable(f"{message}; give the site both files, or neither")
        for what, file in (("CA file", self.ca_file), ("certificate", self.certificate_file)):
            if file is not None:
                _read(what, file, private=False)
        if self.key_file is not None:
            _read("private key", self.key_file, private=True)
        if self.token_file is not None:
            if not self.tls and not _is_loopback(endpoint):
                message = f"{endpoint}: a token would travel without encryption"
                raise CredentialsUnusable(f"{message}; give the site `tls`, or no `token_file`")
            Token(self.token_file).headers()


class Token:
    """The bearer token of a file, as it is now.

    Args:
        file: holds the token and nothing else.

    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._token = ""

    def headers(self) -> dict[str, str]:
        """Return the metadata of a request.

        Raises:
            CredentialsUnusable: the file is missing, empty, open to others, or holds something else.

        """
        try:
            status = self._file.stat()
        except OSError as error:
            raise CredentialsUnusable(f"{self._file}: the token file cannot be read: {error.strerror}") from error
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            token = _read("token", self._file, private=True).strip().decode("ascii", "replace")
            if not token.isprintable() or not token.isascii() or " " in token:
                raise CredentialsUnusable(f"{self._file}: holds no bearer token, which is one word of ASCII characters")
            self._token, self._seen = token, seen
        return {"authorization": f"Bearer {self._token}"}


def _is_loopback(endpoint: str) -> bool:
    """Return whether an endpoint is on this machine; by the whole of its host, since a name may begin like a number."""
    host = endpoint.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(what: str, file: Path, *, private: bool) -> bytes:
    try:
        with file.open("rb") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            content = handle.read(_LONGEST_TOKEN_BYTES if private else -1)
    except OSError as error:
        raise CredentialsUnusable(f"{file}: the {what} cannot be read: {error.strerror}") from error
    if private and mode & 0o077:
        raise CredentialsUnusable(f"{file}: the {what} is open to others (mode {mode:04o}); chmod 600 it")
    if not content.strip():
        raise CredentialsUnusable(f"{file}: the {what} is empty")
    return content
