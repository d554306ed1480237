"""With what a client shows who it is, and by what it knows its servers: files on this machine, never their contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Credentials"]


@dataclass(frozen=True)
class Credentials:
    """Files of one client.

    Attributes:
        ca_file: certificates of those that servers' certificates are trusted by; None for the system's own.
        certificate_file: the client's certificate; None to show none.
        key_file: the key of that certificate.
        token_file: holds a bearer token; None to send none.
        tls: whether to speak TLS.

    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    token_file: Path | None = None
    tls: bool = False
