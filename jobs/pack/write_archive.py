"""Writes a folder as a tar.gz that is the same, byte for byte, whenever its files are."""

from __future__ import annotations

import errno
import gzip
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_place", "write_archive"]

_TIME = 946_684_800
"""Of every file, seconds since the epoch: 2000-01-01. tar complains about times that it takes for nonsense, as 0."""


def write_archive(stage: Path, archive: Path, *, level: int, progress: Callable[[int], None]) -> None:
    """Write every file below `stage`, in the order of their names, without owners and with one time.

    gzip, because tar on every worker can read it; zstd is smaller and not there.

    Args:
        stage: the folder.
        archive: where the archive appears, complete or not at all.
        level: of the compression, 1 to 9.
        progress: called with the bytes of each file that is through.

    Raises:
        PackError: it cannot be written.

    """
    try:
        with tempfile.TemporaryDirectory(prefix=f".{archive.name}.", dir=archive.parent) as folder:
            partial = Path(folder) / archive.name
            with (
                partial.open("wb") as file,
                gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=file, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
            ):
                for path in sorted(stage.rglob("*")):
                    if path.is_file():
                        _add(tar, path, str(path.relative_to(stage)))
                        progress(path.stat().st_size)
            partial.replace(archive)
    except OSError as error:
        raise _refused(archive, error) from error


def check_place(archive: Path) -> None:
    """See that an archive can be written, before the work that leads to it; its folder is made if it is missing.

    Raises:
        PackError: it cannot.

    """
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        if archive.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=archive.parent):
            pass
    except OSError as error:
        raise _refused(archive, error) from error


def _refused(archive: Path, error: OSError) -> PackError:
    message = f"{archive}: the archive cannot be written: {error.strerror or error}"
    return PackError(f"{message}; free some space, or give another place with --out")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = path.stat().st_size
    entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    entry.mtime = _TIME
    with path.open("rb") as file:
        tar.addfile(entry, file)
