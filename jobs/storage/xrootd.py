"""An XRootD server as a storage: the one place that speaks with XRootD's client, and turns its answers into our errors.

Every question has a time limit, so that a server that dies in the middle costs minutes and not hours. Who we are is
for the client to show: it finds tokens (``BEARER_TOKEN_FILE``) and proxies (``X509_USER_PROXY``) by itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.reco.url import be_patient
from jobs.storage.errors import ClientMissing, NotThere, StorageAway, StorageRefused
from jobs.storage.storage import CHUNK_BYTES, Entry, digest_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.storage.storage import Content

__all__ = ["XrootdServer"]

_ASK_S = 30
"""Longest wait for an answer about names, seconds; XRootD's client looks at its clock every 15 s."""

_MOVE_S = 120
"""Longest wait for a piece of a file."""

_CHECKSUM_S = 600
"""Longest wait for a checksum, for which a server may have to read the whole file."""

_REMEDIES = {
    3003: ("somebody else writes it", "wait for the other attempt of the job, or have the lock removed"),
    3005: ("its file system fails", "have the server's disks checked"),
    3007: ("reading or writing its disk fails", "have the server's disks checked"),
    3009: ("it has no space left", "free some space there, or ask for more"),
    3010: ("it does not let us", "check permissions there, and the token or proxy of the job"),
    3018: ("it has a file or folder of this name already", "have it removed there"),
    3021: ("the quota is used up", "free some space there, or ask for more"),
    3025: ("it takes no files, only gives them", "name another place in output.stage_out"),
    3028: ("it asks for TLS", "write roots:// in place of root://"),
    3030: ("it does not know who we are", "give the job a token or a proxy that the server takes"),
}
"""What an answer of a server means, by XRootD's number of it, and what to do."""

_NOT_THERE, _EXISTS = 3011, 3018
_ANSWERED, _AUTHENTICATION = 400, 204
"""Codes of XRootD's client: the server has answered with an error of its own; it lets nobody in like this."""


class XrootdServer:
    """Files by their URLs, all on one server or behind one redirector; a `Storage`.

    Args:
        url: of any file or folder there.

    Raises:
        ClientMissing: the package xrootd is not installed here.
        StorageRefused: the URL is of another kind, or names no path.

    """

    def __init__(self, url: str) -> None:
        be_patient()
        try:
            from XRootD import client
            from XRootD.client import flags
        except ImportError as error:
            message = (
                f"{url}: the package `xrootd` is not installed here: {error}; run `pip install 'sonicgrid[xrootd]'`"
            )
            raise ClientMissing(f"{message}, and pack the workers' environment again") from error
        self._client, self._flags = client, flags
        split = client.URL(url)
        if split.protocol not in ("root", "roots", "xroot", "xroots") or not split.is_valid() or not split.path:
            raise StorageRefused(f"{url}: is no URL of a file on an XRootD server; write root://SERVER//PATH")
        self._base = f"{split.protocol}://{split.hostid}/"
        self._server = client.FileSystem(self._base)

    def put(self, local: Path, name: str) -> None:
        """Upload a file, and have the server write it to its disk."""
        flags = self._flags.OpenFlags
        mode = self._flags.AccessMode
        rights = mode.UR | mode.UW | mode.GR | mode.OR
        with self._open(name, flags.DELETE | flags.UPDATE | flags.MAKEPATH, rights, "cannot be written") as file:
            place = 0
            try:
                with local.open("rb") as source:
                    while chunk := source.read(CHUNK_BYTES):
                        self._done(file.write(chunk, place, timeout=_MOVE_S)[0], name, "cannot be written")
                        place += len(chunk)
            except OSError as error:
                raise StorageRefused(f"{local}: cannot be read again: {error.strerror or error}") from error
            self._done(file.sync(timeout=_MOVE_S)[0], name, "cannot be written to its disk")

    def check(self, name: str, content: Content) -> None:
        """Compare size and checksum: the server's own Adler-32 where it has one, else SHA-256 of what it sends back."""
        status, found = self._server.stat(self._path(name), timeout=_ASK_S)
        self._done(status, name, "cannot be looked at after the upload")
        if found.size != content.bytes:
            what = f"the server holds {found.size} bytes, {content.bytes} were sent"
            raise StorageRefused(f"{name}: {what}; have the server checked")
        adler32 = self._adler32(name)
        if adler32 is None:
            sha256 = self.digest(name).sha256
            wrong = f"SHA-256 {sha256}, not {content.sha256}" if sha256 != content.sha256 else ""
        else:
            wrong = f"Adler-32 {adler32}, not {content.adler32}" if adler32 != content.adler32 else ""
        if wrong:
            raise StorageRefused(f"{name}: what the server holds has {wrong}, as was sent; have the server checked")

    def rename(self, source: str, target: str) -> None:
        """Move a file; some servers do not replace what has the name, so it is removed there first."""
        status, _ = self._server.mv(self._path(source), self._path(target), timeout=_ASK_S)
        if not status.ok and status.errno == _EXISTS:
            self.remove(target)
            status, _ = self._server.mv(self._path(source), self._path(target), timeout=_ASK_S)
        self._done(status, target, "cannot get its name")

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        status, _ = self._server.rm(self._path(name), timeout=_ASK_S)
        if status.ok or status.errno != _NOT_THERE:
            self._done(status, name, "cannot be removed")

    def digest(self, name: str) -> Content:
        """Read the whole file."""
        with self._open(name, self._flags.OpenFlags.READ, 0, "cannot be read") as file:
            return digest_chunks(self._chunks(file, name))

    def folder(self, name: str) -> list[Entry]:
        """Return the files of one folder."""
        return [entry for entry, is_folder in self._list(name) if not is_folder]

    def walk(self, name: str) -> list[Entry]:
        """Return the files of a folder and of all below it."""
        entries: list[Entry] = []
        waiting = [name]
        while waiting:
            for entry, is_folder in self._list(waiting.pop()):
                if is_folder:
                    waiting.append(entry.name)
                else:
                    entries.append(entry)
        return sorted(entries, key=lambda entry: entry.name)

    def _list(self, name: str) -> Iterator[tuple[Entry, bool]]:
        flags = self._flags
        status, listing = self._server.dirlist(self._path(name), flags.DirListFlags.STAT, timeout=_ASK_S)
        if not status.ok and status.errno == _NOT_THERE:
            return
        self._done(status, name, "cannot be listed")
        for found in listing:
            info = found.statinfo
            if info is not None:
                is_folder = bool(info.flags & flags.StatInfoFlags.IS_DIR)
                yield Entry(f"{name.rstrip('/')}/{found.name}", info.size, info.modtime), is_folder

    def _adler32(self, name: str) -> str | None:
        """Return the server's checksum of a file; None if it has none, or of another kind."""
        code = self._flags.QueryCode.CHECKSUM
        status, answer = self._server.query(code, self._path(name), timeout=_CHECKSUM_S)
        if not status.ok:
            if status.code == _ANSWERED and status.errno != _NOT_THERE:
                return None
            self._done(status, name, "cannot be looked at after the upload")
        kind, _, value = answer.decode("ascii", "replace").strip("\0 \n").partition(" ")
        return value.strip().lower().rjust(8, "0") if kind.lower() == "adler32" and value.strip() else None

    def _chunks(self, file: Any, name: str) -> Iterator[bytes]:  # noqa: ANN401 - the client has no types
        place = 0
        while True:
            status, chunk = file.read(place, CHUNK_BYTES, timeout=_MOVE_S)
            self._done(status, name, "cannot be read")
            if not chunk:
                return
            place += len(chunk)
            yield chunk

    @contextmanager
    def _open(self, name: str, flags: int, rights: int, what: str) -> Iterator[Any]:
        file = self._client.File()
        status, _ = file.open(name, flags, rights, timeout=_ASK_S)
        self._done(status, name, what)
        try:
            yield file
        except BaseException:
            file.close(timeout=1)
            raise
        self._done(file.close(timeout=_MOVE_S)[0], name, what)

    def _path(self, name: str) -> str:
        """Return the path of a URL of this server."""
        path: str = self._client.URL(name).path
        return path

    def _done(self, status: Any, name: str, what: str) -> None:  # noqa: ANN401 - the client has no types
        """Go on if the server did as it was asked.

        Raises:
            StorageRefused, StorageAway, NotThere: by what it says.

        """
        if status.ok:
            return
        said = " ".join(str(status.message).split()) or f"code {status.code}"
        if status.code == _AUTHENTICATION:
            meaning, remedy = _REMEDIES[3030]
        elif status.code != _ANSWERED:
            remedy = "check the name, and whether the server is up"
            raise StorageAway(f"{name}: {what}: the server does not answer ({said}); {remedy}")
        elif status.errno == _NOT_THERE:
            raise NotThere(f"{name}: {what}: no such file; another attempt of the job may have removed it ({said})")
        else:
            meaning, remedy = _REMEDIES.get(status.errno, ("the server refuses", "ask its administrators"))
        raise StorageRefused(f"{name}: {what}: {meaning} ({said}); {remedy}")
