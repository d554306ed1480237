"""A directory and a real XRootD server do the same steps with the same words."""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from jobs.storage.errors import NotThere, StorageRefused
from jobs.storage.storage import Content, Storage, content_of, open_storage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.xrootd_server import XrootdServerProcess

DATA = os.urandom(9_000_001)


@dataclass
class Place:
    """A storage, a name in it, and the folder of this machine that it is."""

    storage: Storage
    base: str
    disk: Path


@pytest.fixture(params=["directory", "xrootd"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty folder of a storage, whose name is hard to quote."""
    if request.param == "directory":
        base = str(tmp_path / "it's a store")
        return Place(open_storage(base), base, tmp_path / "it's a store")
    server: XrootdServerProcess = request.getfixturevalue("server")
    name = f"it's {tmp_path.name}"
    base = f"{server.url}/{name}"
    return Place(open_storage(base), base, server.store / name)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A file of several pieces."""
    path = tmp_path / "local.root"
    path.write_bytes(DATA)
    return path


def test_content_is_what_checksum_programs_say(local: Path) -> None:
    """Size, SHA-256 and Adler-32 of a file, however many pieces it is read in."""
    assert content_of(local) == Content(len(DATA), hashlib.sha256(DATA).hexdigest(), f"{zlib.adler32(DATA):08x}")


def test_a_file_is_put_compared_and_named(place: Place, local: Path) -> None:
    """The steps of a stage-out, through folders that are not there yet."""
    part, final = f"{place.base}/00001/a b.root.part", f"{place.base}/00001/a b.root"
    place.storage.put(local, part)
    place.storage.check(part, content_of(local))
    place.storage.rename(part, final)
    assert (place.disk / "00001" / "a b.root").read_bytes() == DATA
    assert place.storage.digest(final) == content_of(local)
    (entry,) = place.storage.walk(place.base)
    assert (entry.name, entry.bytes) == (final, len(DATA))
    assert place.storage.folder(f"{place.base}/00001") == [entry]


def test_a_second_file_takes_the_place_of_the_first(place: Place, local: Path, tmp_path: Path) -> None:
    """Renaming over a name that is taken leaves one file: the new one."""
    other = tmp_path / "other.root"
    other.write_bytes(b"another")
    for path in (local, other):
        place.storage.put(path, f"{place.base}/a.part")
        place.storage.rename(f"{place.base}/a.part", f"{place.base}/a.root")
    assert [path.name for path in place.disk.iterdir()] == ["a.root"]
    assert (place.disk / "a.root").read_bytes() == b"another"


def test_an_empty_file_is_one_too(place: Place, tmp_path: Path) -> None:
    """Nothing is lost on the way to a file without a byte."""
    empty = tmp_path / "empty"
    empty.touch()
    place.storage.put(empty, f"{place.base}/empty")
    place.storage.check(f"{place.base}/empty", content_of(empty))
    assert place.storage.digest(f"{place.base}/empty").bytes == 0


@pytest.mark.parametrize("damage", ["shorter", "other bytes"])
def test_what_arrived_otherwise_is_refused(place: Place, local: Path, damage: str) -> None:
    """A byte that is lost or changed on the way is seen, and the message names the file."""
    name = f"{place.base}/a.part"
    place.storage.put(local, name)
    (place.disk / "a.part").write_bytes(DATA[:-1] if damage == "shorter" else DATA[:-1] + bytes([DATA[-1] ^ 1]))
    with pytest.raises(StorageRefused, match=r"a\.part.*checked"):
        place.storage.check(name, content_of(local))


def test_a_checksum_that_is_another_is_refused(place: Place, local: Path) -> None:
    """The comparison is by every number that there is."""
    place.storage.put(local, f"{place.base}/a.part")
    wrong = replace(content_of(local), sha256="0" * 64, adler32="00000001")
    with pytest.raises(StorageRefused, match="checked"):
        place.storage.check(f"{place.base}/a.part", wrong)


def test_what_is_not_there(place: Place) -> None:
    """Reading and renaming say so; removing is done already, and an absent folder has nothing in it."""
    with pytest.raises(NotThere, match="no such file"):
        place.storage.digest(f"{place.base}/none")
    with pytest.raises(NotThere, match="another attempt"):
        place.storage.rename(f"{place.base}/none.part", f"{place.base}/none")
    place.storage.remove(f"{place.base}/none")
    assert place.storage.folder(f"{place.base}/none") == []
    assert place.storage.walk(place.base) == []


def test_a_folder_in_the_way_is_named(place: Place, local: Path) -> None:
    """Where a folder has the name, nothing is lost and the message says what."""
    (place.disk / "a.root").mkdir(parents=True)
    place.storage.put(local, f"{place.base}/a.part")
    with pytest.raises(StorageRefused, match=r"a\.root: cannot get its name"):
        place.storage.rename(f"{place.base}/a.part", f"{place.base}/a.root")


def test_a_local_file_that_has_gone_is_named(place: Place, tmp_path: Path) -> None:
    """Whoever cleans scratch folders too early is found out."""
    with pytest.raises(StorageRefused):
        place.storage.put(tmp_path / "gone", f"{place.base}/a.part")


@pytest.mark.parametrize("url", ["http://h/a", "root://h", "root://", "s3://bucket/a"])
def test_urls_of_another_kind_are_refused(url: str) -> None:
    """The message says how such a URL is written."""
    with pytest.raises(StorageRefused, match="write root://SERVER//PATH"):
        open_storage(url)


def test_a_full_disk_behind_a_directory_is_named(local: Path) -> None:
    """The message says what is short and where."""
    with pytest.raises(StorageRefused, match=r"/dev/full: cannot be written: No space left on device; check space"):
        open_storage("/dev/full").put(local, "/dev/full")
