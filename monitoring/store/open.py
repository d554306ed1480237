"""Opens a store, to write or to read; one that is damaged or of another version is set aside and begun anew.

A write-ahead log lets readers read while the one writer writes, and needs memory that all of them share: on a network
file system there is none, and the store keeps a rollback journal instead, for which readers and writer take turns.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from monitoring.errors import StoreBusy, StoreUnusable
from monitoring.store.schema import APPLICATION_ID, SCHEMA, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOST", "Opened", "open_reader", "open_writer", "set_aside", "transaction", "writer_lock"]

BUSY_S = 30.0
"""How long a reader or the writer waits for its turn, seconds."""

_NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "pvfs", "orangefs", "9p", "fuse.")
"""How the types of file systems begin that more than one machine may mount."""

LOST = "what only the store held, samples of metrics and of the queue, begins anew; the rest is read again"


@dataclass(frozen=True)
class Opened:
    """A store that is open for writing.

    Attributes:
        connection: in no transaction; `transaction` begins one.
        fresh: whether it is new and holds nothing.
        note: why an older one was set aside; empty if none was.

    """

    connection: sqlite3.Connection
    fresh: bool
    note: str = ""


@contextlib.contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Be the one writer of a store; the kernel gives the lock back whatever becomes of the process.

    Raises:
        StoreBusy: another process writes it.
        StoreUnusable: its folder cannot be written.

    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"{lock}: {error.strerror}; correct the permissions, or name another folder for the store"
        raise StoreUnusable(message) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        message = f"{path}: another process collects this campaign already; read the store, or stop the other one"
        raise StoreBusy(message) from error
    try:
        yield
    finally:
        os.close(handle)


def open_writer(path: Path, belongs_to: dict[str, str]) -> Opened:
    """Open or begin a store; the caller holds its `writer_lock`.

    Args:
        path: of the store.
        belongs_to: facts that the store must hold to be the right one, by name.

    Raises:
        StoreUnusable: it cannot be made or written.

    """
    note = ""
    try:
        if path.exists() and path.stat().st_size and (wrong := _what_is_wrong(path, belongs_to)):
            aside = set_aside(path)
            note = f"{path}: {wrong}; set aside as {aside.name}, and {LOST}"
        fresh = not path.exists() or path.stat().st_size == 0
        # Readable for its user alone, before there is anything in it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = _connect(path)
        if fresh:
            _begin(connection, belongs_to)
    except (OSError, sqlite3.Error) as error:
        message = f"{path}: the store cannot be opened: {error}; free some space, or name another folder for it"
        raise StoreUnusable(message) from error
    return Opened(connection, fresh, note)


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a store for reading; the writer is not kept from writing.

    Raises:
        StoreUnusable: there is none yet, or it is damaged or of another version.

    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        message = f"{path}: no readable store: {error}; `python -m monitoring.collect CAMPAIGN` makes it"
        raise StoreUnusable(message) from error
    if version != VERSION:
        connection.close()
        if version == 0:  # as is one that is not made to its end
            message = f"{path}: the store is being made at this moment; look again in some seconds"
            raise StoreUnusable(message)
        message = f"{path}: a store of version {version}, this program reads {VERSION}; collect the campaign again"
        raise StoreUnusable(message)
    connection.row_factory = sqlite3.Row
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is done inside, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
            connection.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> Path:
    """Give a store another name, beside its own; returns that name."""
    aside = path.with_name(f"{path.name}.set-aside-{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 10**6:06d}")
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


def shares_memory(path: Path) -> bool:
    """Return whether all who open a file are on this machine, by the type of its file system."""
    folder = path.parent.resolve()
    mounted = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    kind = max(mounted, key=lambda part: len(part.mountpoint)).fstype if mounted else ""
    return not kind.startswith(_NETWORK)


def _connect(path: Path) -> sqlite3.Connection:
    # The collector may be made in one thread and run in another; never in two at once.
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    mode = connection.execute(f"PRAGMA journal_mode = {'WAL' if shares_memory(path) else 'DELETE'}").fetchone()[0]
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    return connection


def _begin(connection: sqlite3.Connection, belongs_to: dict[str, str]) -> None:
    connection.executescript(f"BEGIN;{SCHEMA}PRAGMA application_id = {APPLICATION_ID};COMMIT;")
    with transaction(connection):
        connection.executemany("INSERT INTO facts VALUES (?, ?)", belongs_to.items())
        # Last: a store that was not made to its end has no version.
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _what_is_wrong(path: Path, belongs_to: dict[str, str]) -> str:
    """Return why a file is not the store that is wanted; empty if it is."""
    try:
        with contextlib.closing(_connect(path)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                return f"a store of version {version}, and this program writes {VERSION}"
            facts = dict(connection.execute("SELECT name, value FROM facts"))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return f"the store is damaged ({error})"
    changed = [name for name, value in belongs_to.items() if facts.get(name) != value]
    return f"the store is of another {', '.join(changed)}" if changed else ""
