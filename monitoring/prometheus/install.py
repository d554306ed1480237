"""Get Prometheus for the tests, where there is none: Debian's own package, unpacked into one folder, without root.

The dashboard needs none: whoever has a Prometheus points it at `/metrics`. The tests let a real one read that page, and
its promtool check the files beside this one. Both are static but for the C library, so nothing else is fetched.

`python -m monitoring.prometheus.install` is a step of `make test`; it returns at once when all is there.
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

__all__ = ["Prometheus", "install", "installed", "main"]

FOLDER = "prometheus"


@dataclass(frozen=True)
class Prometheus:
    """Paths of the two programs."""

    server: Path
    promtool: Path


def installed(runtime: Path) -> Prometheus | None:
    """Return the Prometheus to use, without installing any: the one on PATH, else a completely unpacked one."""
    server, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if server and promtool:
        return Prometheus(Path(server), Path(promtool))
    folder = runtime / FOLDER
    if not is_unpacked(folder):
        return None
    return Prometheus(folder / "usr" / "bin" / "prometheus", folder / "usr" / "bin" / "promtool")


def install(runtime: Path, report: Callable[[str], None]) -> Prometheus:
    """Return the Prometheus to use, after unpacking one where there is none.

    Args:
        runtime: folder that gets ``prometheus/``.
        report: called with one line of progress at a time.

    Raises:
        SetupError: it cannot be fetched; the message says why.

    """
    found = installed(runtime)
    if found is None:
        unpack_once(runtime / FOLDER, ["prometheus"], report, purpose="Prometheus, which the tests need")
        found = installed(runtime)
    if found is None or not found.promtool.is_file():
        message = f"Prometheus was unpacked into {runtime / FOLDER}, but its programs are not where they should be"
        raise SetupError(message)
    return found


def main() -> int:
    """Install Prometheus for this checkout; the exit status is 0 or, after an error on stderr, 1."""
    return setup_step("Prometheus", install, lambda found: f"Prometheus in {found.server.parent}")


if __name__ == "__main__":
    sys.exit(main())
