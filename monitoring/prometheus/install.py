"""Get Prometheus for the tests, where there is none: Debian's own package, unpacked into one folder, without root.

The dashboard needs none: whoever has a Prometheus points it at `/metrics`. The tests let a real one read that page, and
its promtool check the files beside this one. Both are static but for the C library, so nothing else is fetched.

`python -m monitoring.prometheus.install` is a step of `make test`; it returns at once when all is there.
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

__all__ = ["Prometheus", "install", "installed", "main"]

SUITE = "bookworm"
"""Debian 12: its programs run with the C library of that release and of all later ones."""

STAMP = ".complete.json"


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
    folder = runtime / "prometheus"
    if not (folder / STAMP).is_file():
        return None
    return Prometheus(folder / "usr" / "bin" / "prometheus", folder / "usr" / "bin" / "promtool")


def install(runtime: Path, report: Callable[[str], None]) -> Prometheus:
    """Return the Prometheus to use, after unpacking one where there is none.

    Safe to interrupt and to call from two processes at once: a stamp that is written last says that all is there.

    Args:
        runtime: folder that gets ``prometheus/``.
        report: called with one line of progress at a time.

    Raises:
        SetupError: it cannot be fetched; the message says why.

    """
    found = installed(runtime)
    if found is not None:
        return found
    with only_one(runtime / ".prometheus.lock"):
        found = installed(runtime)
        if found is not None:
            return found
        folder = runtime / "prometheus"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            versions = fetch_debian_packages(["prometheus"], SUITE, folder, report=report)
        except SetupFailed as exc:
            shutil.rmtree(folder, ignore_errors=True)
            message = f"Prometheus, which the tests need, is not on PATH and cannot be fetched: {exc}"
            raise SetupError(message) from exc
        (folder / STAMP).write_text(json.dumps(versions) + "\n", encoding="utf-8")
    found = installed(runtime)
    if found is None or not found.promtool.is_file():
        raise SetupError(f"Prometheus was unpacked into {folder}, but its programs are not where they should be")
    return found


def main() -> int:
    """Install Prometheus for this checkout; the exit status is 0 or, after an error on stderr, 1."""
    from jobs.cli.output import console, print_error  # here, as the command line is not needed to install

    try:
        with console.status("Prometheus"):
            found = install(runtime_folder(), lambda line: console.print(f"Prometheus: {line}"))
    except SetupError as exc:
        print_error(str(exc))
        return exc.exit_code
    console.print(f"Prometheus in {found.server.parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
