"""Reading Wire-Cell frame archives: tar or zip files of NumPy arrays, taken as data from strangers.

An archive holds, for each tag and event number N, ``frame_TAG_N`` (channels x ticks), ``channels_TAG_N`` and
``tickinfo_TAG_N`` (time in ns, length of a tick in ns, number of the first tick), and often ``chanmask_NAME_N`` (rows
of channel, first tick, end tick) and ``summary_TAG_N``, which is not used. Nothing is unpacked to disk, no pickle is
loaded, and a member that is a link, or that is or says it is too large, is refused. Frames are reduced to their
regions of interest as they come, so that memory holds one frame at a time.
"""

from __future__ import annotations

import contextlib
import errno
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.reco.check import MAX_TICKS
from jobs.reco.errors import FrameBad, InputAway, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["MAX_MEMBER_BYTES", "Archive", "SparseFrame", "read_archive"]

MAX_MEMBER_BYTES = 2_000_000_000
"""Largest array taken: five times a frame of all 15,360 channels of ProtoDUNE-SP."""

_MAX_TOTAL_BYTES = 20_000_000_000
_MAX_MEMBERS = 10_000
_MAX_CHANNELS = 1_000_000

_NAME = re.compile(r"^(frame|channels|tickinfo|summary|chanmask)_(.+)_(\d{1,10})(?:\.npy)?$")

_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""By version of the .npy format."""

_BROKEN = (
    EOFError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class SparseFrame:
    """The stretches of a frame that are not zero.

    Attributes:
        shape: rows (channels) and columns (ticks) of the frame.
        row: int32 (n_stretches,), not decreasing.
        start: int32 (n_stretches,), first column.
        length: int32 (n_stretches,).
        samples: float32 (sum of length,).

    """

    shape: tuple[int, int]
    row: NDArray[np.int32]
    start: NDArray[np.int32]
    length: NDArray[np.int32]
    samples: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Archive:
    """What an archive holds, by tag and event number."""

    path: Path
    frames: dict[tuple[str, int], SparseFrame] = field(default_factory=dict)
    channels: dict[tuple[str, int], NDArray[Any]] = field(default_factory=dict)
    tickinfo: dict[tuple[str, int], NDArray[Any]] = field(default_factory=dict)
    masks: dict[tuple[str, int], NDArray[Any]] = field(default_factory=dict)

    @property
    def tags(self) -> list[str]:
        """Tags of the frames, sorted."""
        return sorted({tag for tag, _ in self.frames})


def read_archive(path: Path, on_member: Callable[[str], None] = lambda _: None) -> Archive:
    """Read an archive.

    Args:
        path: ``.tar``, ``.tar.bz2``, ``.tar.gz``, ``.tar.xz`` or ``.npz``.
        on_member: called with the name of each array before it is read, for progress.

    Raises:
        InputAway: it cannot be opened now.
        FrameBad: it is no archive, is damaged, or holds something else than frames.

    """
    archive = Archive(path)
    seen: list[str] = []
    with _foreign_errors(path):
        for name, size, read in _members(path):
            where = f"{path}: {name}"
            seen.append(PurePosixPath(name).name)
            if size > MAX_MEMBER_BYTES:
                message = f"{where}: is {size / 1e9:.1f} GB large, more than the {MAX_MEMBER_BYTES / 1e9:.0f} GB taken"
                raise FrameBad(message)
            match = _NAME.match(seen[-1])
            if match is None or match[1] == "summary":
                continue
            on_member(seen[-1])
            _store(archive, match[1], (match[2], int(match[3])), _array(read(), where), where)
    if not archive.frames:
        content = ", ".join(seen[:8]) or "nothing"
        message = f"{path}: has no array named frame_TAG_NUMBER, so it is no Wire-Cell frame archive; found: {content}"
        raise FrameBad(message)
    return archive


def _store(archive: Archive, kind: str, key: tuple[str, int], array: NDArray[Any], where: str) -> None:
    if kind == "frame":
        if key in archive.frames:
            raise FrameBad(f"{where}: the archive holds this array twice; make it again")
        archive.frames[key] = _sparse(array, where)
    else:
        {"channels": archive.channels, "tickinfo": archive.tickinfo, "chanmask": archive.masks}[kind][key] = array


def _members(path: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Yield name, size in bytes and a way to read each member."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            infos = file.infolist()
            _check_amount(path, len(infos), sum(info.file_size for info in infos))
            for info in infos:
                yield info.filename, info.file_size, lambda info=info: file.read(info)  # type: ignore[misc] # mypy cannot infer a lambda with a default
        return
    with tarfile.open(path, mode="r:*") as tar:
        count = total = 0
        for member in tar:
            if member.isdir():
                continue
            if not member.isreg():
                raise FrameBad(f"{path}: {member.name}: is a link or a device, not an array; make the archive again")
            count, total = count + 1, total + member.size
            _check_amount(path, count, total)
            yield member.name, member.size, lambda member=member: _extracted(tar, member)  # type: ignore[misc] # as above


def _extracted(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def _check_amount(path: Path, count: int, total: int) -> None:
    if count > _MAX_MEMBERS or total > _MAX_TOTAL_BYTES:
        message = (
            f"{path}: holds {count} members of {total / 1e9:.1f} GB, more than the {_MAX_MEMBERS} or "
            f"{_MAX_TOTAL_BYTES / 1e9:.0f} GB taken; split it"
        )
        raise FrameBad(message)


def _array(content: bytes, where: str) -> NDArray[Any]:
    """Decode the .npy format without trusting its header; the array shares the bytes."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[
            version
        ]
        shape, fortran, dtype = read_header(stream)
    except (ValueError, KeyError) as error:
        raise FrameBad(f"{where}: not a NumPy array: {error}; make the archive again") from error
    if dtype.kind not in "biuf":
        raise FrameBad(f"{where}: holds {dtype} instead of numbers; make the archive again")
    count = 1
    for extent in shape:
        count *= extent
    if count < 0 or count * dtype.itemsize > len(content) - stream.tell():
        raise FrameBad(f"{where}: truncated: shape {shape} needs more bytes than there are; make the archive again")
    array = np.frombuffer(content, dtype, count, stream.tell())
    return array.reshape(shape, order="F" if fortran else "C")


def _sparse(frame: NDArray[Any], where: str) -> SparseFrame:
    if frame.ndim != 2 or 0 in frame.shape or frame.shape[0] > _MAX_CHANNELS or frame.shape[1] > MAX_TICKS:
        raise FrameBad(f"{where}: has shape {frame.shape}; a frame has channels x ticks")
    rows, ticks = frame.shape
    # One silent column more parts the last stretch of a row from the first of the next.
    loud = np.zeros((rows, ticks + 1), np.int8)
    np.not_equal(frame, 0, out=loud[:, :ticks], casting="unsafe")
    steps = np.flatnonzero(np.diff(loud.reshape(-1), prepend=np.int8(0)))
    begin, end = steps[::2], steps[1::2]
    with np.errstate(over="ignore"):
        samples = frame[loud[:, :ticks].view(np.bool_)].astype(np.float32)
    if not np.isfinite(samples).all():
        place = np.flatnonzero(loud)[np.argmin(np.isfinite(samples))]
        row, tick = divmod(int(place), ticks + 1)
        raise FrameBad(f"{where}: row {row}, tick {tick} is not a finite number; make the archive again")
    row, start = np.divmod(begin, ticks + 1)
    return SparseFrame(
        (rows, ticks), row.astype(np.int32), start.astype(np.int32), (end - begin).astype(np.int32), samples
    )


@contextlib.contextmanager
def _foreign_errors(path: Path) -> Iterator[None]:
    try:
        with path.open("rb"):
            pass
    except IsADirectoryError as error:
        raise FrameBad(f"{path}: a folder, not an archive; name the archives in it") from error
    except OSError as error:
        message = f"{path}: cannot be opened: {error.strerror}; check the name, and whether its disk is mounted here"
        raise InputAway(message) from error
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        # The file system's errors have numbers. bz2 and gzip report damaged data without one, and EINVAL is a seek to
        # where a damaged table of contents points.
        if error.errno not in (None, errno.EINVAL):
            raise InputAway(f"{path}: cannot be read now: {error.strerror}; try again when its disk is up") from error
        raise FrameBad(f"{path}: damaged archive: {error}; copy or make it again") from error
    except tarfile.ReadError as error:
        raise FrameBad(f"{path}: not a tar or npz archive, or a truncated one; copy or make it again") from error
    except _BROKEN as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = f"{path}: not a tar or npz archive, or a damaged one: {reason}; copy or make it again"
        raise FrameBad(message) from error
