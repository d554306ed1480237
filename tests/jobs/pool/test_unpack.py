"""A set-up step unpacks once, leaves nothing half-done, and says in one line what it found or why it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import SetupError
from jobs.pool import unpack
from jobs.pool.unpack import is_unpacked, setup_step, unpack_once
from sonic.errors import SetupFailed

if TYPE_CHECKING:
    from pathlib import Path


class Mirror:
    """Stands for Debian's mirror, and counts what it was asked."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.asked: list[list[str]] = []

    def fetch(self, names: list[str], suite: str, into: Path, **_: object) -> dict[str, str]:
        """Write one file of each package; the first half of them, if the mirror goes away meanwhile."""
        self.asked.append(names)
        into.mkdir(parents=True, exist_ok=True)
        for name in names:
            (into / name).write_text(suite)
            if self.away:
                raise SetupFailed("the mirror is away")
        return dict.fromkeys(names, "1.0")


def test_it_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interrupted step left is made anew; what is complete is left alone."""
    mirror = Mirror()
    monkeypatch.setattr(unpack, "fetch_debian_packages", mirror.fetch)
    folder = tmp_path / "tool"
    folder.mkdir()
    (folder / "half").touch()
    assert not is_unpacked(folder)
    for _ in range(2):
        unpack_once(folder, ["a", "b"], lambda _: None, purpose="A tool")
    assert is_unpacked(folder)
    assert mirror.asked == [["a", "b"]]
    assert not (folder / "half").exists()


def test_nothing_half_done_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what it was for and what the mirror says, and the next try begins anew."""
    monkeypatch.setattr(unpack, "fetch_debian_packages", Mirror(away=True).fetch)
    with pytest.raises(SetupError, match=r"A tool, which the tests need, is not on PATH .*: the mirror is away"):
        unpack_once(tmp_path / "tool", ["a", "b"], lambda _: None, purpose="A tool, which the tests need")
    assert not (tmp_path / "tool").exists()


def test_a_step_ends_with_its_line_or_its_error(capfd: pytest.CaptureFixture[str]) -> None:
    """The exit status is for `make`."""

    def refuse(*_: object) -> Path:
        raise SetupError("no room")

    assert setup_step("Tool", lambda runtime, _: runtime, lambda found: f"tool in {found.name}") == 0
    assert setup_step("Tool", refuse, str) == 1
    said = capfd.readouterr()
    assert "tool in " in said.out
    assert "no room" in said.err
