"""Looks which outputs are there, folder by folder: a question for each of 100,000 files would take a server an hour."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jobs.reco.url import is_url
from jobs.storage.errors import StorageRefused
from jobs.storage.storage import Entry, open_storage

if TYPE_CHECKING:
    from jobs.storage.storage import Storage

__all__ = ["Outlook"]


class Outlook:
    """What files are there, by path or URL; each folder of a server is asked for once."""

    def __init__(self) -> None:
        self._storages: dict[str, Storage] = {}
        self._folders: dict[str, dict[str, Entry]] = {}

    def find(self, name: str) -> Entry | None:
        """Return a file, or None if it is not there.

        Raises:
            StorageRefused: the storage does not answer, or does not let us look.

        """
        if not is_url(name):
            return _local(name)
        folder, _, _ = name.rpartition("/")
        if folder not in self._folders:
            server = "/".join(name.split("/", 3)[:3])
            if server not in self._storages:
                self._storages[server] = open_storage(name)
            self._folders[folder] = {entry.name: entry for entry in self._storages[server].folder(folder)}
        return self._folders[folder].get(name)


def _local(name: str) -> Entry | None:
    try:
        status = Path(name).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageRefused(f"{name}: cannot be looked at: {error.strerror or error}; check permissions") from error
    return Entry(name, status.st_size, status.st_mtime_ns)
