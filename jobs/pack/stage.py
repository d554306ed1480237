"""Lays the environment out in a folder: interpreter, standard library, packages, and this project's own.

The layout is that of an ordinary installation, so that the interpreter finds its files from where it stands itself,
wherever that is: ``bin/python3.11``, ``lib/python3.11``, packages where that interpreter looks for them.
"""

from __future__ import annotations

import shutil
import site
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import PackError
from jobs.layout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from importlib.metadata import Distribution
    from pathlib import PurePath

__all__ = ["PYTHON", "stage_interpreter", "stage_packages"]

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""Name of the interpreter in the archive's ``bin``."""

_OWN = ("jobs", "sonic")
"""The packages of this project that a job imports; monitoring, tests and benchmarks stay at home."""

_INSTALLERS = frozenset(["ensurepip", "lib2to3", "pydoc_data"])
_WINDOWS = frozenset(["idlelib", "tkinter", "turtledemo"])
_ELSEWHERE = frozenset(["__pycache__", "dist-packages", "site-packages"])
_NOT_ON_A_WORKER = frozenset(["test", "tests"]) | _INSTALLERS | _WINDOWS | _ELSEWHERE
"""Folders that no job opens: tests, window toolkits, installers, and what is compiled anew or chosen one by one."""

_NO_SUFFIXES = frozenset([".a", ".c", ".h", ".hpp", ".pxd", ".pyc", ".pyi", ".pyx"])
"""Files that only compilers and type checkers read."""

_NO_MODULES = (
    "_ctypes_test",
    "_curses",
    "_dbm",
    "_gdbm",
    "_sqlite3",
    "_test",
    "_tkinter",
    "_xx",
    "nis",
    "readline",
    "xx",
)
"""Beginnings of extension modules of the standard library that no job loads and that bring libraries with them."""


def stage_interpreter(stage: Path) -> None:
    """Copy the interpreter that runs this, and its standard library.

    Raises:
        PackError: it is not laid out as one that can be moved.

    """
    base = Path(sys.base_prefix)
    binary = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": str(base), "base": str(base)}))
    if not library.is_relative_to(base) or not (library / "os.py").is_file() or not binary.is_file():
        message = f"the standard library of {binary} is not below {base}, so that it cannot be moved to a worker"
        raise PackError(f"{message}: pack with another Python, for example one of conda, pyenv or the system")
    _copy(binary, stage / "bin" / PYTHON)
    for path in _files_below(library):
        relative = path.relative_to(library)
        # The folder of the C build's configuration and of a static libpython.
        if relative.parts[0].startswith("config-") or (path.name.startswith(_NO_MODULES) and path.suffix == ".so"):
            continue
        _copy(path, stage / library.relative_to(base) / relative)


def stage_packages(stage: Path, packages: Mapping[str, Distribution], report: Callable[[str], None]) -> None:
    """Copy the chosen packages, and this project's.

    Args:
        stage: the folder that holds the interpreter.
        packages: by name.
        report: called with one line of progress at a time.

    Raises:
        PackError: a package does not say which files it has, or one of them is missing.

    """
    target = Path(site.getsitepackages([str(stage)])[-1])
    for name, package in packages.items():
        report(f"{name} {package.version}")
        if not package.files:
            message = f"{name} {package.version} does not say which files it has (no RECORD in its metadata)"
            raise PackError(f"{message}: install it anew, for example `pip install --force-reinstall {name}`")
        for file in package.files:
            # Scripts lie outside of the folder of packages; a job starts none.
            if ".." not in file.parts and _is_wanted(file):
                _copy_of_package(Path(str(package.locate_file(file))), target / file, name)
    # Records name the version of the software, which is read from here.
    own = distribution("sonicgrid")
    metadata = target / f"sonicgrid-{own.version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(own.read_text("METADATA") or "", encoding="utf-8")
    for name in _OWN:
        for path in _files_below(CHECKOUT / name):
            if path.suffix == ".py":
                _copy(path, target / path.relative_to(CHECKOUT))


def _copy_of_package(source: Path, target: Path, name: str) -> None:
    try:
        _copy(source, target)
    except FileNotFoundError as error:
        message = f"{name} is not complete: there is no {source}"
        raise PackError(f"{message}; install it anew, for example `pip install --force-reinstall {name}`") from error


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in _walk(folder) if _is_wanted(path.relative_to(folder)))


def _walk(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _NOT_ON_A_WORKER:
                yield from _walk(path)
        else:
            yield path


def _is_wanted(path: PurePath) -> bool:
    return path.suffix not in _NO_SUFFIXES and not _NOT_ON_A_WORKER.intersection(path.parts[:-1])


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
