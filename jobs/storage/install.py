"""Get an XRootD server for the tests, where there is none: Debian's own package, unpacked without root.

Whoever stages out to ``root://`` has a server. The tests let jobs write to a real one, which they kill, fill and lock.

`python -m jobs.storage.install` is a step of `make test`; it returns at once when all is there.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.pool.folders import only_one, runtime_folder
from sonic.errors import SetupFailed
from sonic.server.debian import fetch_debian_packages

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["XrootdProgram", "install", "installed", "main"]

SUITE = "bookworm"
"""Debian 12: its programs run with the C library of that release and of all later ones."""

LEAVE_OUT = (
    "adduser",
    "cron*",
    "debconf",
    "dpkg",
    "expect",
    "init-system-helpers",
    "libc6",
    "libfile-*",
    "libnumber-*",
    "libpam*",
    "libperl*",
    "libtcl*",
    "libtext-*",
    "logrotate",
    "passwd",
    "perl*",
    "readline-common",
    "sensible-utils",
    "tar",
    "tcl*",
    "tzdata",
    "usrmerge",
)
"""Packages that xrootd-server depends on and that a server in a test does not load."""

STAMP = ".complete.json"


@dataclass(frozen=True)
class XrootdProgram:
    """How the server's program is started.

    Attributes:
        server: its path.
        libraries: folder of its libraries; None for the system's.

    """

    server: Path
    libraries: Path | None = None


def installed(runtime: Path) -> XrootdProgram | None:
    """Return the server to use, without installing any: the one on PATH, else a completely unpacked one."""
    server = shutil.which("xrootd")
    if server:
        return XrootdProgram(Path(server))
    folder = runtime / "xrootd" / "usr"
    if not (runtime / "xrootd" / STAMP).is_file():
        return None
    return XrootdProgram(folder / "bin" / "xrootd", folder / "lib" / "x86_64-linux-gnu")


def install(runtime: Path, report: Callable[[str], None]) -> XrootdProgram:
    """Return the server to use, after unpacking one where there is none.

    Safe to interrupt and to call from two processes at once: a stamp that is written last says that all is there.

    Args:
        runtime: folder that gets ``xrootd/``.
        report: called with one line of progress at a time.

    Raises:
        SetupError: it cannot be fetched; the message says why.

    """
    found = installed(runtime)
    if found is not None:
        return found
    with only_one(runtime / ".xrootd.lock"):
        found = installed(runtime)
        if found is not None:
            return found
        folder = runtime / "xrootd"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            versions = fetch_debian_packages(
                ["xrootd-server"], SUITE, folder, report=report, with_dependencies=True, leave_out=LEAVE_OUT
            )
        except SetupFailed as exc:
            shutil.rmtree(folder, ignore_errors=True)
            message = f"XRootD's server, which the tests need, is not on PATH and cannot be fetched: {exc}"
            raise SetupError(message) from exc
        (folder / STAMP).write_text(json.dumps(versions) + "\n", encoding="utf-8")
    found = installed(runtime)
    if found is None or not found.server.is_file():
        raise SetupError(f"XRootD was unpacked into {folder}, but its server is not where it should be")
    return found


def main() -> int:
    """Install the server for this checkout; the exit status is 0 or, after an error on stderr, 1."""
    from jobs.cli.output import console, print_error  # here, as the command line is not needed to install

    try:
        with console.status("XRootD"):
            found = install(runtime_folder(), lambda line: console.print(f"XRootD: {line}"))
    except SetupError as exc:
        print_error(str(exc))
        return exc.exit_code
    console.print(f"XRootD's server in {found.server.parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
