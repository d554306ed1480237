"""Certificates on disk as a site has them: a file each, replaced by a rename when they are renewed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sonic.server.access import Tls
from sonic.server.tokens import write_private

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

__all__ = ["issue", "write_ca"]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)


def issue(authority: trustme.CA, folder: Path, name: str, host: str = "127.0.0.1", *, expired: bool = False) -> Tls:
    """Write NAME.pem and NAME.key into a folder and return both; they are good for servers and for clients."""
    begin, end = LONG_AGO if expired else (None, None)
    issued = authority.issue_cert(host, not_before=begin, not_after=end)
    tls = Tls(folder / f"{name}.pem", folder / f"{name}.key")
    write_private(tls.key, issued.private_key_pem.bytes().decode())
    write_private(tls.certificate, issued.cert_chain_pems[0].bytes().decode())
    return tls


def write_ca(authority: trustme.CA, folder: Path, name: str) -> Path:
    """Write NAME.pem, the certificate of a CA, and return it."""
    authority.cert_pem.write_to_path(folder / f"{name}.pem")
    return folder / f"{name}.pem"
