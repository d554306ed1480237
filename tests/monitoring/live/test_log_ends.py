"""The ends of a log are whole lines, and nothing of it is shown twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.live.log_ends import log_ends

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders.collected import Collected


def write(collected: Collected, text: bytes) -> Path:
    """Write the log of job 0."""
    logs = collected.campaign.folder.block(0).logs
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "0.log").write_bytes(text)
    return logs / "0.log"


def test_a_short_log_is_whole(collected: Collected) -> None:
    """Every line is there once."""
    path = write(collected, b"one\n\ntwo\xff\nthree")
    ends = log_ends(collected.campaign.folder, 0, 0)
    assert (ends.path, ends.head, ends.tail) == (path, ("one", "", "two\ufffd", "three"), ())
    assert (ends.left_out_bytes, ends.log_bytes) == (0, 15)


def test_many_short_lines(collected: Collected) -> None:
    """Of a log with more lines than are shown, the first and the last ones are, and the rest is counted."""
    write(collected, b"".join(b"%04d\n" % n for n in range(300)))
    ends = log_ends(collected.campaign.folder, 0, 0, most_head=2, most_tail=3)
    assert (ends.head, ends.tail) == (("0000", "0001"), ("0297", "0298", "0299"))
    assert ends.left_out_bytes == 295 * 5


def test_a_log_of_megabytes(collected: Collected) -> None:
    """Only its ends are read, and lines that a cut goes through are left out."""
    write(collected, b"".join(b"line %07d\n" % n for n in range(200_000)))
    ends = log_ends(collected.campaign.folder, 0, 0)
    assert (ends.head[0], ends.head[-1], len(ends.head)) == ("line 0000000", "line 0000019", 20)
    assert (ends.tail[0], ends.tail[-1], len(ends.tail)) == ("line 0199920", "line 0199999", 80)
    assert ends.left_out_bytes == (200_000 - 100) * 13


def test_one_endless_line(collected: Collected) -> None:
    """A line that never ends is cut, and the page does not grow with it."""
    write(collected, b"x" * 1_000_000)
    ends = log_ends(collected.campaign.folder, 0, 0)
    assert sum(map(len, (*ends.head, *ends.tail))) < 10_000


def test_no_log(collected: Collected) -> None:
    """A job without a log says why it has none."""
    ends = log_ends(collected.campaign.folder, 0, 0)
    assert (ends.head, ends.tail) == ((), ())
    assert "no log here" in ends.note
