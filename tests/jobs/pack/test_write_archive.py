"""An archive says nothing of when, where and by whom it was made, and appears whole."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from jobs.errors import PackError
from jobs.pack.write_archive import check_place, write_archive

if TYPE_CHECKING:
    from pathlib import Path


def make_stage(folder: Path, names: list[str]) -> Path:
    """A folder with a few files, made in the order given."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"I am {name}\n")
    (folder / "run").chmod(0o700)
    return folder


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    """Order of creation, times and permissions of the machine leave no trace; what can be run stays so."""
    one = make_stage(tmp_path / "one", ["run", "lib/b.py", "lib/a.py"])
    other = make_stage(tmp_path / "other", ["lib/a.py", "lib/b.py", "run"])
    os.utime(other / "run", (1, 1))
    (other / "lib" / "a.py").chmod(0o600)
    for stage in (one, other):
        write_archive(stage, stage.with_suffix(".tar.gz"), level=6, progress=lambda _: None)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "other.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.gz") as tar:
        assert [(entry.name, entry.mode) for entry in tar] == [("lib/a.py", 0o644), ("lib/b.py", 0o644), ("run", 0o755)]


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    """The bar ends where it should."""
    stage = make_stage(tmp_path / "one", ["run", "a"])
    seen: list[int] = []
    write_archive(stage, tmp_path / "x.tar.gz", level=1, progress=seen.append)
    assert sum(seen) == sum(path.stat().st_size for path in stage.iterdir())


def test_a_place_that_takes_no_archive_is_named_before_the_work(tmp_path: Path) -> None:
    """A file where a folder should be, or a folder where the archive should be, is an error with a remedy."""
    (tmp_path / "file").touch()
    for archive in (tmp_path / "file" / "x.tar.gz", tmp_path):
        with pytest.raises(PackError, match=rf"{archive}: the archive cannot be written: .*--out"):
            check_place(archive)


def test_a_place_that_takes_an_archive_stays_as_it_is(tmp_path: Path) -> None:
    """Looking makes the folder and nothing else."""
    check_place(tmp_path / "new" / "x.tar.gz")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_archive(tmp_path: Path) -> None:
    """Jobs that start meanwhile get the old one whole, and nothing half-written is left."""
    stage = make_stage(tmp_path / "one", ["run", "a"])
    archive = tmp_path / "x.tar.gz"
    archive.write_text("the old one")

    def fail(_size: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(PackError, match="No space left"):
        write_archive(stage, archive, level=1, progress=fail)
    assert archive.read_text() == "the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "x.tar.gz"]
