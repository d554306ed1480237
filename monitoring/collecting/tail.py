"""What was appended to a file since a position, whole items only, whatever became of the file meanwhile.

A position is kept in the store, in one transaction with what was read before it. It knows the file by its first bytes
and by those before the position, so that a file that was replaced, rotated or cut is not taken for the same one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Position", "Stretch", "read_position", "read_stretch", "write_position"]

MOST_BYTES = 2 << 20
"""Of one stretch, so that the memory that it takes does not depend on the length of a log."""

_MARK_BYTES = 64


@dataclass(frozen=True)
class Position:
    """Up to where a file was read.

    Attributes:
        inode: of the file; 0 before the first read.
        offset: bytes that were read.
        head: the file's first bytes.
        tail: the last bytes before the offset.

    """

    inode: int = 0
    offset: int = 0
    head: bytes = b""
    tail: bytes = b""


@dataclass(frozen=True)
class Stretch:
    """What was read.

    Attributes:
        data: whole items, each with its end.
        position: after them.
        more: whether there may be more to read at once.
        note: what was found to be wrong with the file; empty if nothing was.

    """

    data: bytes
    position: Position
    more: bool = False
    note: str = ""


def read_stretch(path: Path, before: Position, end: bytes, most_bytes: int = MOST_BYTES) -> Stretch:
    """Read on.

    Args:
        path: of the file; it may not exist.
        before: where the last stretch ended.
        end: what stands after each item.
        most_bytes: to read; an item that is longer is waited for with twice as many.

    Raises:
        OSError: the file cannot be read.

    """
    try:
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
            if seen.st_ino == before.inode and seen.st_size == before.offset:
                return Stretch(b"", before)
            start, note = before, ""
            if not _continues(file.fileno(), before):
                rest = _read_rotated(path, before, end, most_bytes) if seen.st_ino != before.inode else None
                if rest is not None:
                    return rest
                start, note = _begin_again(file.fileno(), seen.st_size, before, path, end)
            stretch = _read(file.fileno(), start, end, most_bytes)
    except FileNotFoundError:
        rest = _read_rotated(path, before, end, most_bytes) if before.inode else None
        gone = f"{path}: it was there and is gone; what was read of it stays" if before.inode and not rest else ""
        return rest or Stretch(b"", before, note=gone)
    return replace(stretch, position=replace(stretch.position, inode=seen.st_ino), note=note)


def read_position(connection: sqlite3.Connection, name: str) -> Position:
    """Return the position that is kept under a name."""
    row = connection.execute("SELECT inode, offset, head, tail FROM logs WHERE name = ?", (name,)).fetchone()
    return Position(*row) if row else Position()


def write_position(connection: sqlite3.Connection, name: str, position: Position) -> None:
    """Keep a position; in one transaction with what was read before it."""
    connection.execute(
        "INSERT OR REPLACE INTO logs (name, inode, offset, head, tail) VALUES (?, ?, ?, ?, ?)",
        (name, position.inode, position.offset, position.head, position.tail),
    )


def _continues(handle: int, before: Position) -> bool:
    """Return whether a file still has what was read of it."""
    return (
        os.pread(handle, len(before.head), 0) == before.head
        and os.pread(handle, len(before.tail), before.offset - len(before.tail)) == before.tail
    )


def _read(handle: int, before: Position, end: bytes, most_bytes: int) -> Stretch:
    data = os.pread(handle, most_bytes, before.offset)
    whole = data.rfind(end) + len(end) if end in data else 0
    if not whole:
        if len(data) == most_bytes:
            return _read(handle, before, end, 2 * most_bytes)
        return Stretch(b"", before)
    read = data[:whole]
    position = replace(
        before,
        offset=before.offset + whole,
        head=before.head
        if len(before.head) == _MARK_BYTES
        else os.pread(handle, _MARK_BYTES, 0)[: before.offset + whole],
        tail=(before.tail + read)[-_MARK_BYTES:],
    )
    return Stretch(read, position, more=len(data) == most_bytes)


def _read_rotated(path: Path, before: Position, end: bytes, most_bytes: int) -> Stretch | None:
    """Read on in the file under the name that it was given instead; None if that is not found, or read to its end."""
    for other in sorted(path.parent.glob(f"{path.name}*")):
        if other != path and other.stat().st_ino == before.inode:
            with other.open("rb") as file:
                if _continues(file.fileno(), before):
                    stretch = _read(file.fileno(), before, end, most_bytes)
                    return replace(stretch, more=True) if stretch.data else None
    return None


def _begin_again(handle: int, size: int, before: Position, path: Path, end: bytes) -> tuple[Position, str]:
    """Return where to go on in a file that is not as it was, and what to say about it."""
    head = os.pread(handle, len(before.head), 0)
    same = head != b"" and before.head.startswith(head)
    if same and size < before.offset:
        # What is left of it was read before.
        kept = os.pread(handle, size, 0)
        offset = kept.rfind(end) + len(end) if end in kept else 0
        cut = Position(
            before.inode, offset, kept[: min(offset, _MARK_BYTES)], kept[max(0, offset - _MARK_BYTES) : offset]
        )
        return cut, f"{path}: it was cut from {before.offset} bytes to {size}; reading goes on at its end"
    if any(other != path and other.stat().st_ino == before.inode for other in path.parent.glob(f"{path.name}*")):
        return (
            Position(),
            f"{path}: it was rotated; the old one was read to its end, and reading goes on with the new one",
        )
    return (
        Position(),
        f"{path}: it is another file than the one that was read up to byte {before.offset}; it is read anew",
    )
