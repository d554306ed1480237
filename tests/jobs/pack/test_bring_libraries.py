"""Every library that a worker may lack comes along, and what is not to be had is named."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import pytest

from jobs.errors import PackError
from jobs.pack import bring_libraries as module
from jobs.pack.bring_libraries import bring_libraries, oldest_glibc


def stage_with_ssl(folder: Path) -> Path:
    """A folder with one extension module, which loads libraries of the system."""
    (source,) = (Path(sysconfig.get_path("stdlib")) / "lib-dynload").glob("_ssl.*.so")
    shutil.copy(source, folder / source.name)
    return folder


def test_libraries_come_and_the_c_library_stays(tmp_path: Path) -> None:
    """OpenSSL is brought, with what it loads in turn; libc belongs to the worker."""
    brought = bring_libraries(stage_with_ssl(tmp_path))
    assert {name.split(".")[0] for name in brought} >= {"libssl", "libcrypto"}
    assert sorted(path.name for path in (tmp_path / "lib").iterdir()) == list(brought)
    assert not {"libc.so.6", "libm.so.6"} & set(brought)


def test_a_library_that_is_staged_already_is_not_brought(tmp_path: Path) -> None:
    """What a package brings itself is left as it is."""
    stage = stage_with_ssl(tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    for name in bring_libraries(stage):
        shutil.move(stage / "lib" / name, own / name)
    assert bring_libraries(stage) == ()


def test_a_library_that_is_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that lacks one would fail on every worker."""
    stage = stage_with_ssl(tmp_path)
    monkeypatch.setattr(module, "_needed", lambda _program: {"libgone.so.3": None})
    with pytest.raises(PackError, match=r"_ssl.* needs libgone.so.3, which is not on this machine: install"):
        bring_libraries(stage)


def test_the_newest_symbol_decides(tmp_path: Path) -> None:
    """The oldest C library is the newest version that any program asks a symbol of, compared as numbers."""
    for name, versions in {"a": (b"GLIBC_2.9", b"GLIBC_2.17"), "b": (b"GLIBC_2.4", b"GLIBC_PRIVATE")}.items():
        (tmp_path / name).write_bytes(b"\x7fELF" + b"".join(b"\0" + version for version in versions) + b"\0")
    (tmp_path / "text").write_bytes(b"\0GLIBC_2.99\0")
    assert oldest_glibc(tmp_path) == "2.17"
