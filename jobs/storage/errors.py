"""What can go wrong with a storage; errors of the file system and of XRootD become these, chained with ``from``.

StorageRefused        (a JobsError) it does not take, show or give what was asked: space, quota, permission, a bug of it
├── StorageAway       it does not answer now; a later try may help
├── NotThere          no such file
└── ClientMissing     this environment cannot speak with such a storage
"""

from __future__ import annotations

from jobs.errors import JobsError

__all__ = ["ClientMissing", "NotThere", "StorageAway", "StorageRefused"]


class StorageRefused(JobsError):
    """The storage does not do what was asked; the message says what, where and what to do."""


class StorageAway(StorageRefused):
    """The storage does not answer now; a later try may help."""


class NotThere(StorageRefused):
    """There is no such file."""


class ClientMissing(StorageRefused):
    """A package that speaks with this storage is not installed here."""
