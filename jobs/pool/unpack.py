"""Programs that Debian packages and this machine may lack: unpacked once into a folder, without root.

A set-up step uses what is on PATH, else what is here; its command is the same for all of them.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, TypeVar

from jobs.errors import SetupError
from jobs.pool.folders import only_one, runtime_folder
from sonic.errors import SetupFailed
from sonic.server.debian import fetch_debian_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["SUITE", "is_unpacked", "setup_step", "unpack_once"]

SUITE = "bookworm"
"""Debian 12: its programs run with the C library of that release and of all later ones."""

STAMP = ".complete.json"

_Found = TypeVar("_Found")


def is_unpacked(folder: Path) -> bool:
    """Tell whether `unpack_once` filled a folder to its end."""
    return (folder / STAMP).is_file()


def unpack_once(
    folder: Path,
    packages: Sequence[str],
    report: Callable[[str], None],
    *,
    purpose: str,
    with_dependencies: bool = False,
    leave_out: Sequence[str] = (),
) -> None:
    """Unpack packages of `SUITE` into a folder, unless it was done before.

    Safe to interrupt and to call from two processes at once: a stamp that is written last says that all is there.

    Args:
        folder: that gets them, and nothing else.
        packages: their names.
        report: called with one line of progress at a time.
        purpose: what it is and what for, as the beginning of a sentence.
        with_dependencies: whether to fetch what they depend on, too.
        leave_out: patterns of names of packages to go without.

    Raises:
        SetupError: they cannot be fetched; the message says why.

    """
    with only_one(folder.parent / f".{folder.name}.lock"):
        if is_unpacked(folder):
            return
        shutil.rmtree(folder, ignore_errors=True)
        try:
            versions = fetch_debian_packages(
                list(packages), SUITE, folder, report=report, with_dependencies=with_dependencies, leave_out=leave_out
            )
        except SetupFailed as exc:
            shutil.rmtree(folder, ignore_errors=True)
            message = f"{purpose}, is not on PATH and cannot be fetched: {exc}"
            raise SetupError(message) from exc
        (folder / STAMP).write_text(json.dumps(versions) + "\n", encoding="utf-8")


def setup_step(
    name: str, install: Callable[[Path, Callable[[str], None]], _Found], say: Callable[[_Found], str]
) -> int:
    """Install something for this checkout; returns the exit status, 0 or, after an error on stderr, 1.

    Args:
        name: of it, for people.
        install: gets the runtime folder, and who takes lines of progress.
        say: tells what was found, and where.

    """
    from jobs.cli.output import console, print_error  # here, because the command line imports who calls this

    try:
        with console.status(name):
            found = install(runtime_folder(), lambda line: console.print(f"{name}: {line}"))
    except SetupError as exc:
        print_error(str(exc))
        return exc.exit_code
    console.print(say(found))
    return 0
