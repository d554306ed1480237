"""Brings the shared libraries that the staged programs need and a worker may lack: all but the GNU C library's own.

The C library cannot travel: it belongs to the worker's kernel and loader. So the oldest one that the archive can do
with is found out, and stated.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jobs.errors import PackError

__all__ = ["bring_libraries", "oldest_glibc"]

_OF_GLIBC = re.compile(
    r"(ld-linux.*|linux-vdso|libc|libm|libdl|libpthread|librt|libutil|libresolv|libanl|libnss_\w+|libmvec)\.so(\..*)?"
)
"""Libraries that the GNU C library consists of."""

_RESOLVED = re.compile(r"^\s*(\S+) => (not found|\S+)", re.MULTILINE)
"""A line of ldd(1): name, and where it was found."""

_GLIBC_VERSION = re.compile(rb"(?<=\0)GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)")
"""The names of symbol versions stand in a program's string table."""

_ELF = b"\x7fELF"


def bring_libraries(stage: Path) -> tuple[str, ...]:
    """Copy what the staged programs load from this machine into the stage's ``lib``.

    Returns:
        Names of the libraries that were brought.

    Raises:
        PackError: one of them is not on this machine either, or ldd(1) is not.

    """
    if shutil.which("ldd") is None:
        raise PackError("ldd is not there: it comes with the GNU C library, without which nothing can be packed")
    programs = _programs(stage)
    staged = {path.name for path in programs}
    with ThreadPoolExecutor() as pool:
        listed = list(pool.map(_needed, programs))
    wanted: dict[str, Path] = {}
    for program, needed in zip(programs, listed, strict=True):
        for name, found in needed.items():
            if name in staged or _OF_GLIBC.fullmatch(name):
                continue
            if found is None:
                message = f"{program.relative_to(stage)} needs {name}, which is not on this machine"
                raise PackError(f"{message}: install the library, or the package that brings it, and pack again")
            wanted[name] = found
    for name, found in sorted(wanted.items()):
        target = stage / "lib" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(found, target)
        target.chmod(0o755)
    return tuple(sorted(wanted))


def oldest_glibc(stage: Path) -> str:
    """Return the oldest version of the GNU C library that has every symbol that the staged programs ask for."""
    found = {(0, 0)}
    for program in _programs(stage):
        found |= {(int(major), int(minor)) for major, minor in _GLIBC_VERSION.findall(program.read_bytes())}
    return ".".join(map(str, max(found)))


def _programs(stage: Path) -> list[Path]:
    """Return every ELF file: programs, libraries, extension modules."""
    return [path for path in sorted(stage.rglob("*")) if path.is_file() and _is_elf(path)]


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ELF)) == _ELF


def _needed(program: Path) -> dict[str, Path | None]:
    """Return the libraries that a program loads, directly or not, with their place; None where there is none."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)  # noqa: S607 - the system's
    return {name: None if place == "not found" else Path(place) for name, place in _RESOLVED.findall(done.stdout)}
