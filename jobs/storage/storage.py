"""What every storage can do, in the words that jobs, `validate` and `merge` share.

A file gets its name only when it is whole: it is put under another one, compared, and renamed. A storage knows the
steps; who takes them, and in which order, is `jobs.payload.stage_out`.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from jobs.reco.url import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Content", "Entry", "Storage", "content_of", "digest_chunks", "open_storage"]

CHUNK_BYTES = 4_000_000


@dataclass(frozen=True)
class Content:
    """What tells the bytes of one file from others.

    Attributes:
        bytes: size.
        sha256: hex.
        adler32: hex, eight digits; what storages of the grid keep of each file.

    """

    bytes: int
    sha256: str
    adler32: str


@dataclass(frozen=True)
class Entry:
    """One file of a storage.

    Attributes:
        name: path or URL.
        bytes: size.
        changed: when it changed last, in units of the storage: equal as long as nobody writes it.

    """

    name: str
    bytes: int
    changed: int


class Storage(Protocol):
    """A directory or a server; names are whole paths or URLs.

    Every method raises `StorageRefused`, or `StorageAway` where a later try may help.
    """

    def put(self, local: Path, name: str) -> None:
        """Copy a local file to a name, onto the disk of the storage; folders are made, what was there is replaced."""

    def check(self, name: str, content: Content) -> None:
        """Compare what the storage holds with what was put there."""

    def rename(self, source: str, target: str) -> None:
        """Give a file its final name; what had it is replaced."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""

    def digest(self, name: str) -> Content:
        """Read a whole file and say what it is; raises `NotThere`."""

    def folder(self, name: str) -> list[Entry]:
        """Return the files of one folder; none if it is not there."""

    def walk(self, name: str) -> list[Entry]:
        """Return the files of a folder and of all below it."""


def open_storage(place: str) -> Storage:
    """Return the storage that holds a path or URL.

    Raises:
        StorageRefused: it is a URL of a kind that nobody here speaks, or no URL of a file.
        ClientMissing: the package for it is not installed.

    """
    if not is_url(place):
        from jobs.storage.directory import Directory

        return Directory()
    from jobs.storage.xrootd import XrootdServer

    return XrootdServer(place)


def content_of(path: Path) -> Content:
    """Return what a local file is, in one pass.

    Raises:
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        return digest_chunks(iter(lambda: file.read(CHUNK_BYTES), b""))


def digest_chunks(chunks: Iterable[bytes]) -> Content:
    """Return what a file is that comes piece by piece."""
    size, adler, sha = 0, 1, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        adler = zlib.adler32(chunk, adler)
        sha.update(chunk)
    return Content(size, sha.hexdigest(), f"{adler:08x}")
