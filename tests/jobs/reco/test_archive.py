"""Archives from strangers are read whole, or refused with one clear error."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.reco import archive as module
from jobs.reco.archive import read_archive
from jobs.reco.errors import FrameBad, InputAway

MakeArchive = Callable[..., Path]

FRAME = np.zeros((3, 10), np.float32)
FRAME[0, 2:5] = [1, 2, 3]
FRAME[1, 8:] = [4, 5]
FRAME[2, 0] = 6
GOOD: dict[str, NDArray[Any]] = {
    "frame_gauss_7": FRAME,
    "channels_gauss_7": np.arange(3, dtype=np.int32),
    "tickinfo_gauss_7": np.array([0.0, 500.0, 0.0]),
}


@pytest.mark.parametrize("name", ["a.tar.bz2", "a.tar", "a.npz"])
def test_stretches_that_are_not_zero_are_found(name: str, make_archive: MakeArchive) -> None:
    """Rows, starts, lengths and samples are the frame's, and rows do not run into each other."""
    read = read_archive(make_archive(name, **GOOD, chanmask_bad_7=np.array([[1, 0, 5]]), summary_gauss_7=np.ones(3)))

    frame = read.frames["gauss", 7]
    assert frame.shape == (3, 10)
    assert frame.row.tolist() == [0, 1, 2]
    assert frame.start.tolist() == [2, 8, 0]
    assert frame.length.tolist() == [3, 2, 1]
    assert frame.samples.tolist() == [1, 2, 3, 4, 5, 6]
    assert read.tags == ["gauss"]
    assert read.masks["bad", 7].tolist() == [[1, 0, 5]]


@pytest.mark.parametrize("dtype", ["float64", "int16", ">f4"])
def test_any_numbers_and_either_order_of_an_array_are_read(dtype: str, make_archive: MakeArchive) -> None:
    """Other types, byte orders and column-major arrays mean the same frame."""
    frame = np.asfortranarray(FRAME.astype(dtype))

    read = read_archive(make_archive(**{**GOOD, "frame_gauss_7": frame})).frames["gauss", 7]

    assert (read.row.tolist(), read.start.tolist(), read.samples.tolist()) == ([0, 1, 2], [2, 8, 0], [1, 2, 3, 4, 5, 6])
    assert read.samples.dtype == np.float32


def test_tags_may_hold_underscores_and_members_may_lie_in_folders(make_archive: MakeArchive) -> None:
    """The number is what follows the last underscore; folders within the archive do not matter."""
    read = read_archive(make_archive(**{"some/where/frame_my_tag_0_12": FRAME}))

    assert list(read.frames) == [("my_tag_0", 12)]


def _with(key: str, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {**GOOD, key: array}


BAD_FRAMES = {
    "NaN": (_with("frame_gauss_7", np.where(FRAME == 5, np.nan, FRAME)), "row 1, tick 9 is not a finite number"),
    "too large for float32": (_with("frame_gauss_7", FRAME.astype(np.float64) * 1e39), "row 0, tick 2 is not a finite"),
    "one dimension": (_with("frame_gauss_7", np.zeros(10)), r"shape \(10,\); a frame has channels x ticks"),
    "no ticks": (_with("frame_gauss_7", np.zeros((3, 0))), r"shape \(3, 0\)"),
    "text": (_with("frame_gauss_7", np.array([["a"]])), "holds <U1 instead of numbers"),
    "no frame": ({"channels_gauss_7": np.arange(3)}, "no array named frame_TAG_NUMBER.*channels_gauss_7"),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_bad_frames_are_refused_by_name(case: str, make_archive: MakeArchive) -> None:
    """What cannot be a frame is refused with the archive, the array and the place."""
    arrays, text = BAD_FRAMES[case]
    path = make_archive(**arrays)

    with pytest.raises(FrameBad, match=text) as caught:
        read_archive(path)

    assert str(path) in str(caught.value)


def _tar_of(path: Path, name: str, content: bytes, **info: object) -> Path:
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        for key, value in info.items():
            setattr(member, key, value)
        tar.addfile(member, io.BytesIO(content))
    return path


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    """An array of objects, which NumPy stores as a pickle, is refused before it is looked at."""
    stream = io.BytesIO()
    np.save(stream, np.array([[object()]], dtype=object), allow_pickle=True)

    with pytest.raises(FrameBad, match=r"frame_x_1\.npy: holds object instead of numbers"):
        read_archive(_tar_of(tmp_path / "a.tar", "frame_x_1.npy", stream.getvalue()))


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    """The shape in a header is checked against the bytes before memory is taken for it."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**9)})

    with pytest.raises(FrameBad, match=r"frame_x_1\.npy: truncated"):
        read_archive(_tar_of(tmp_path / "a.tar", "frame_x_1.npy", stream.getvalue() + b"\0" * 100))


def test_members_that_are_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member above the limit is refused by its size, in a tar and in an npz."""
    monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 1000)
    big = tmp_path / "big.npz"
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("frame_x_1.npy", b"\0" * 10_000)

    with pytest.raises(FrameBad, match=r"frame_x_1\.npy: is .* GB large"):
        read_archive(big)
    with pytest.raises(FrameBad, match=r"frame_x_1\.npy: is .* GB large"):
        read_archive(_tar_of(tmp_path / "big.tar", "frame_x_1.npy", b"\0" * 10_000))


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch, make_archive: MakeArchive) -> None:
    """An archive of endless members is given up."""
    monkeypatch.setattr(module, "_MAX_MEMBERS", 2)

    for name in ("a.tar", "a.npz"):
        with pytest.raises(FrameBad, match="holds 3 members"):
            read_archive(make_archive(name, **GOOD))


def test_links_are_refused(tmp_path: Path) -> None:
    """A link in a tar, which could lead out of it, is refused."""
    path = _tar_of(tmp_path / "a.tar", "frame_x_1.npy", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")

    with pytest.raises(FrameBad, match="is a link or a device"):
        read_archive(path)


def test_what_is_no_archive_is_refused(tmp_path: Path, make_archive: MakeArchive) -> None:
    """Text, nothing, a folder, damaged and truncated archives are bad input; a missing one may come back."""
    (tmp_path / "text.tar.bz2").write_text("not an archive")
    (tmp_path / "empty.npz").write_bytes(b"")
    rng = np.random.default_rng(1)
    whole = make_archive("whole.tar.bz2", frame_x_1=rng.random((50, 200))).read_bytes()
    (tmp_path / "short.tar.bz2").write_bytes(whole[: len(whole) // 2])
    broken = bytearray(make_archive("whole.npz", frame_x_1=rng.random((50, 200))).read_bytes())
    broken[2000:2010] = b"0123456789"
    (tmp_path / "broken.npz").write_bytes(bytes(broken))

    for name in ("text.tar.bz2", "empty.npz", "short.tar.bz2", "broken.npz"):
        with pytest.raises(FrameBad, match=name):
            read_archive(tmp_path / name)
    with pytest.raises(FrameBad, match="a folder"):
        read_archive(tmp_path)
    with pytest.raises(InputAway, match="cannot be opened"):
        read_archive(tmp_path / "gone.tar.bz2")


def test_any_damage_gives_the_importers_error(tmp_path: Path, make_archive: MakeArchive) -> None:
    """Random damage to an archive is noticed as a FrameBad or does no harm; nothing else comes out."""
    rng = np.random.default_rng(6)
    for name in ("a.tar", "a.tar.bz2", "a.npz"):
        content = make_archive(name, **GOOD).read_bytes()
        for place in rng.integers(0, len(content), 40):
            damaged = bytearray(content)
            damaged[place : place + 4] = rng.bytes(4)
            path = tmp_path / f"damaged_{name}"
            path.write_bytes(bytes(damaged))
            try:
                read_archive(path)
            except FrameBad as error:
                text = str(error)
            else:
                text = str(path)
            assert str(path) in text
