"""A directory as a storage: of this machine, of a cluster, or one that somebody has mounted from far away."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.storage.errors import NotThere, StorageRefused
from jobs.storage.storage import Entry, content_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.storage.storage import Content

__all__ = ["Directory"]


class Directory:
    """Files by their paths; a `Storage`."""

    def put(self, local: Path, name: str) -> None:
        """Copy a local file, and see it on the disk."""
        with _refusals(name, "cannot be written"):
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with local.open("rb") as source, path.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
                # What is read back is to come from the disk, and not from this machine's memory.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def check(self, name: str, content: Content) -> None:
        """Read the file back and compare size and SHA-256."""
        found = self.digest(name)
        if found != content:
            what = f"holds {found.bytes} bytes with SHA-256 {found.sha256}"
            wrote = f"{content.bytes} bytes with SHA-256 {content.sha256} were written"
            raise StorageRefused(f"{name}: {what}, though {wrote}; have this file system checked")

    def rename(self, source: str, target: str) -> None:
        """Rename, and see the folder on the disk."""
        with _refusals(target, "cannot get its name"):
            Path(source).replace(target)
            folder = os.open(Path(target).parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with _refusals(name, "cannot be removed"):
            Path(name).unlink(missing_ok=True)

    def digest(self, name: str) -> Content:
        """Read the whole file."""
        with _refusals(name, "cannot be read"):
            return content_of(Path(name))

    def folder(self, name: str) -> list[Entry]:
        """Return the files of one folder."""
        with _refusals(name, "cannot be listed"):
            return [entry for path in _inside(Path(name)) if (entry := _entry(path)) is not None]

    def walk(self, name: str) -> list[Entry]:
        """Return the files of a folder and of all below it, sorted by name."""
        with _refusals(name, "cannot be listed"):
            found = (_entry(path) for path in sorted(Path(name).rglob("*")) if not path.is_dir())
            return [entry for entry in found if entry is not None]


def _inside(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.iterdir()) if not path.is_dir()]
    except FileNotFoundError:
        return []


def _entry(path: Path) -> Entry | None:
    """Return a file, or None for one that has just gone: attempts remove what earlier ones left."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Entry(str(path), status.st_size, status.st_mtime_ns)


@contextmanager
def _refusals(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotThere(f"{name}: {what}: no such file; another attempt of the job may have removed it") from error
    except OSError as error:
        message = f"{name}: {what}: {error.strerror or error}; check space, quota and permissions there"
        raise StorageRefused(message) from error
