"""Get an XRootD server for the tests, where there is none: Debian's own package, unpacked without root.

Whoever stages out to ``root://`` has a server. The tests let jobs write to a real one, which they kill, fill and lock.

`python -m jobs.storage.install` is a step of `make test`; it returns at once when all is there.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.pool.unpack import is_unpacked, setup_step, unpack_once

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["XrootdProgram", "install", "installed", "main"]

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

FOLDER = "xrootd"


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
    if not is_unpacked(runtime / FOLDER):
        return None
    folder = runtime / FOLDER / "usr"
    return XrootdProgram(folder / "bin" / "xrootd", folder / "lib" / "x86_64-linux-gnu")


def install(runtime: Path, report: Callable[[str], None]) -> XrootdProgram:
    """Return the server to use, after unpacking one where there is none.

    Args:
        runtime: folder that gets ``xrootd/``.
        report: called with one line of progress at a time.

    Raises:
        SetupError: it cannot be fetched; the message says why.

    """
    found = installed(runtime)
    if found is None:
        purpose = "XRootD's server, which the tests need"
        unpack_once(
            runtime / FOLDER, ["xrootd-server"], report, purpose=purpose, with_dependencies=True, leave_out=LEAVE_OUT
        )
        found = installed(runtime)
    if found is None or not found.server.is_file():
        raise SetupError(f"XRootD was unpacked into {runtime / FOLDER}, but its server is not where it should be")
    return found


def main() -> int:
    """Install the server for this checkout; the exit status is 0 or, after an error on stderr, 1."""
    return setup_step("XRootD", install, lambda found: f"XRootD's server in {found.server.parent}")


if __name__ == "__main__":
    sys.exit(main())
