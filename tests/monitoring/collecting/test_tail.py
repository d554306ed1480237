"""A file that grows is read to the byte, whatever is done to it meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitoring.collecting.tail import Position, read_stretch

if TYPE_CHECKING:
    from pathlib import Path

END = b"\n...\n"


class Reader:
    """Reads on and on, and remembers what it got."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = Position()
        self.items: list[bytes] = []
        self.notes: list[str] = []

    def read(self, most_bytes: int = 1 << 20) -> list[bytes]:
        """Read what is new, and return everything so far."""
        while True:
            stretch = read_stretch(self.path, self.position, END, most_bytes)
            self.notes += [stretch.note] if stretch.note else []
            self.position = stretch.position
            self.items += stretch.data.split(END)[:-1]
            if not stretch.more:
                return self.items


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader of a log that is not there yet."""
    return Reader(tmp_path / "events.log")


def items(*numbers: int) -> bytes:
    """Return some items that differ."""
    return b"".join(b"item %d" % number + END for number in numbers)


def names(*numbers: int) -> list[bytes]:
    """Return them as they are read."""
    return [b"item %d" % number for number in numbers]


def test_it_waits_for_whole_items(reader: Reader) -> None:
    """An item is read when its end is there, and once."""
    assert reader.read() == []
    text = items(1, 2)
    for byte in range(len(text)):
        with reader.path.open("ab") as file:
            file.write(text[byte : byte + 1])
        reader.read()
    assert reader.items == names(1, 2)
    assert not reader.notes


def test_long_items_are_read_too(reader: Reader) -> None:
    """An item that is longer than a stretch is no end of the log."""
    reader.path.write_bytes(b"x" * 5000 + END + items(1))
    assert reader.read(most_bytes=100) == [b"x" * 5000, *names(1)]


def test_a_rotated_log_is_read_to_its_end(reader: Reader) -> None:
    """What was written before and after a log got another name is read, all of it, in order."""
    reader.path.write_bytes(items(1))
    reader.read()
    with reader.path.open("ab") as file:
        file.write(items(2, 3))
    reader.path.rename(reader.path.with_name("events.log.old"))
    assert reader.read() == names(1, 2, 3)
    reader.path.write_bytes(items(4))
    assert reader.read() == names(1, 2, 3, 4)
    assert "rotated" in reader.notes[-1]


def test_a_log_that_was_copied_back_goes_on(reader: Reader) -> None:
    """The same content in another file is the same log."""
    reader.path.write_bytes(items(1, 2))
    reader.read()
    reader.path.unlink()
    reader.path.with_name("other").touch()  # takes the inode
    reader.path.write_bytes(items(1, 2, 3))
    assert reader.read() == names(1, 2, 3)
    assert not reader.notes


def test_a_log_that_was_cut_goes_on_at_its_end(reader: Reader) -> None:
    """What is left of a log was read before; what comes then is new."""
    reader.path.write_bytes(items(1, 2, 3))
    reader.read()
    reader.path.write_bytes(items(1, 2)[:-7])
    assert reader.read() == names(1, 2, 3)
    assert "cut" in reader.notes[0]
    with reader.path.open("ab") as file:
        file.write(items(4))
    assert reader.read()[-1].endswith(b"item 4")
    assert len(reader.items) == 4


def test_another_log_in_its_place_is_read_anew(reader: Reader) -> None:
    """A file that has nothing of what was read is another one, and that is said."""
    reader.path.write_bytes(items(1, 2))
    reader.read()
    reader.path.write_bytes(items(7, 8, 9, 10))
    assert reader.read() == names(1, 2, 7, 8, 9, 10)
    assert "another file" in reader.notes[0]


def test_a_log_that_is_gone_is_said(reader: Reader) -> None:
    """A log that vanished takes nothing back."""
    reader.path.write_bytes(items(1))
    reader.read()
    reader.path.unlink()
    assert reader.read() == names(1)
    assert "is gone" in reader.notes[0]
