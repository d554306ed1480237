"""Get what the dashboard's page takes from others, with npm: uPlot for its plots, TypeScript to check its modules.

`python -m monitoring.web.install` is a step of `make setup`; run again it is done at once. Without npm the dashboard
works, with tables in the place of plots, and so set-up goes on with a warning; `--required` makes an error of it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.pool.folders import only_one, runtime_folder

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PAGE", "STATIC", "install", "library_folder", "main", "tsc"]

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
"""Our modules, style and pictures, served under `/static/`."""

PAGE = _HERE / "page.html"
"""The shell that every page comes in."""

STAMP = ".complete.json"
_ASKED = ("package.json", "package-lock.json", ".npmrc")
_TAKES_S = 600.0


def library_folder(runtime: Path) -> Path | None:
    """Return the folder with `uPlot.esm.js` and `uPlot.min.css`; None where set-up could not get them."""
    return _uplot(runtime / "web") if _complete(runtime / "web") else None


def tsc(runtime: Path) -> Path:
    """Return the program that checks the types of the modules; whether it is there is not looked at."""
    return runtime / "web" / "node_modules" / ".bin" / "tsc"


def install(runtime: Path, report: Callable[[str], None]) -> Path:
    """Install what the lock file names, where it is not there yet.

    Safe to interrupt and to call from two processes at once: the folder is made beside its place, its stamp last.

    Args:
        runtime: folder that gets ``web/``.
        report: called with one line of progress at a time.

    Returns:
        The folder with uPlot's files.

    Raises:
        SetupError: npm is missing or fails, or the folder cannot be written; the message says what to do.

    """
    folder = runtime / "web"
    if _complete(folder):
        return _uplot(folder)
    with only_one(runtime / ".web.lock"):
        if _complete(folder):
            return _uplot(folder)
        npm = shutil.which("npm")
        if npm is None:
            raise SetupError("npm is not on PATH: install Node.js 18 or newer, which has it (Debian: apt install npm)")
        partial = runtime / "web.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir()
            for name in _ASKED:
                shutil.copyfile(_HERE / name, partial / name)
            report("asking npm for uPlot and TypeScript")
            _run_npm(npm, partial)
            if not _has_all(partial):
                raise SetupError(f"npm ended well, but uPlot is not in {partial}: look at `npm config list`")
            (partial / STAMP).write_text(_stamp(), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            partial.replace(folder)
        except OSError as exc:
            raise SetupError(f"cannot install into {folder}: {exc}") from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return _uplot(folder)


def _run_npm(npm: str, folder: Path) -> None:
    """Let npm install what the lock file names, and run nothing of it."""
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TAKES_S)
    except subprocess.TimeoutExpired as exc:
        raise SetupError(f"npm did not end within {_TAKES_S:.0f} s: is its registry reachable from here?") from exc
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "complete log of this run" not in line.lower()]
        last = " ".join(line.removeprefix("npm error ").strip() for line in said[-4:]) or "nothing"
        raise SetupError(
            "npm could not get uPlot and TypeScript: without a network, set its registry or its cache to one that has "
            f"them (npm config set registry URL). It ended with {done.returncode} and said: {last}"
        )


def _uplot(folder: Path) -> Path:
    return folder / "node_modules" / "uplot" / "dist"


def _has_all(folder: Path) -> bool:
    return all((_uplot(folder) / name).is_file() for name in ("uPlot.esm.js", "uPlot.min.css"))


def _complete(folder: Path) -> bool:
    """Tell whether a folder has all of it, made from the lock file that is there now."""
    with contextlib.suppress(OSError):
        return (folder / STAMP).read_text(encoding="utf-8") == _stamp() and _has_all(folder)
    return False


def _stamp() -> str:
    return json.dumps({name: (_HERE / name).read_text(encoding="utf-8") for name in _ASKED})


def main() -> int:
    """Install for this checkout; the exit status is 0, or 1 where something is missing and `--required` is given."""
    from jobs.cli.output import console, print_error  # here, because the command line imports this module's package

    parser = argparse.ArgumentParser(prog="python -m monitoring.web.install", description=__doc__)
    parser.add_argument("--required", action="store_true", help="end with 1 where it cannot be installed")
    options = parser.parse_args()
    try:
        with console.status("uPlot"):
            folder = install(runtime_folder(), lambda line: console.print(f"uPlot: {line}", markup=False))
    except SetupError as exc:
        if options.required:
            print_error(str(exc))
            return exc.exit_code
        console.print(
            f"warning: {exc}. The dashboard works without it, and shows tables in the place of plots.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
        return 0
    console.print(f"uPlot in {folder}", markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
