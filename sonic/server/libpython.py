"""Find the shared Python library for Triton's stub, which embeds an interpreter.

Many interpreters are linked statically and come without it; on Debian it is a package that is often not installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from sonic.errors import SetupFailed
from sonic.server.debian import fetch_debian_packages, machine_suite

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["find_libpython"]

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def find_libpython(place: Path, report: Callable[[str], None]) -> None:
    """Put the library of the running interpreter's version into a place whose folder holds nothing else.

    Where it lies it may be beside other versions of the libraries that Triton brings along.

    Args:
        place: becomes a link to a library of this machine, or a fetched one; its name is the library's.
        report: is told when a package has to be fetched.

    Raises:
        SetupFailed: it is nowhere on this machine and cannot be fetched.

    """
    place.parent.mkdir(parents=True)
    if found := _beside_the_interpreter(place.name) or _known_to_the_loader(place.name):
        place.symlink_to(found)
        return
    report(f"Triton: fetching Debian's libpython{VERSION}, because this Python has no shared library")
    unpacked = place.with_name("package")
    try:
        fetch_debian_packages([f"libpython{VERSION}"], machine_suite(), unpacked, report=report)
        fetched = next(unpacked.rglob(place.name))
    except (SetupFailed, StopIteration) as exc:
        raise SetupFailed(
            f"Triton's Python backend needs {place.name}, which neither {sys.executable} nor this system has "
            f"({exc}): install it (Debian: apt install libpython{VERSION})"
        ) from exc
    shutil.copy2(fetched, place)
    shutil.rmtree(unpacked)


def _beside_the_interpreter(name: str) -> Path | None:
    """Look where the interpreter was built to keep its library."""
    directory = sysconfig.get_config_var("LIBDIR")
    path = Path(directory or "/nonexistent") / name
    return path.resolve() if path.exists() else None


def _known_to_the_loader(name: str) -> Path | None:
    """Look in the dynamic loader's cache."""
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if ldconfig is None:
        return None
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        entry, _, path = line.strip().partition(" => ")
        if entry.split(" ")[0] == name and "x86-64" in entry and Path(path).exists():
            return Path(path)
    return None
