"""Putting a file in its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError
from jobs.replace_file import replace_file

if TYPE_CHECKING:
    from pathlib import Path


def test_writes_makes_folders_and_replaces(tmp_path: Path) -> None:
    """The content is there whole, folders are made, and no temporary file stays."""
    path = tmp_path / "a/b/file"
    assert replace_file(path, b"one")
    assert replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file"]  # noqa: PTH208 - hidden files too


def test_the_same_content_keeps_its_time(tmp_path: Path) -> None:
    """A file that says the same already is left alone."""
    path = tmp_path / "file"
    replace_file(path, b"one")
    os.utime(path, ns=(1, 1))
    assert not replace_file(path, b"one")
    assert path.stat().st_mtime_ns == 1


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    """A campaign belongs to a team: the file has the mode that any new file has."""
    old = os.umask(0o027)
    try:
        replace_file(tmp_path / "file", b"one")
    finally:
        os.umask(old)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    """A folder where the file should be, or a file where its folder should be, is a clear error."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(CampaignError, match="cannot be written"):
        replace_file(tmp_path / "file/below", b"one")
    with pytest.raises(CampaignError, match="cannot be written"):
        replace_file(tmp_path, b"one")
