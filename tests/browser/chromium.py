"""Get Chromium for a machine that has none: Debian's own packages, unpacked into one folder, no root, no container.

What is taken is Chromium without windows (`chromium-headless-shell`), of the release that the machine runs, so that
the machine's own C library fits. `python -m tests.browser.chromium` is a step of `make test`; it returns at once when
all is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import SetupError
from jobs.pool.folders import only_one, runtime_folder
from sonic.errors import SetupFailed
from sonic.server.debian import fetch_debian_packages, machine_suite

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Chromium", "install", "installed", "main"]

PACKAGES = ("chromium-headless-shell", "fonts-dejavu-core", "fonts-liberation")
ON_PATH = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")

LEAVE_OUT = (
    "debconf",
    "gcc-*-base",
    "libc6",
    "libdrm-*",
    "libedit*",
    "libelf1*",
    "libgl1*",
    "libglapi*",
    "libglx*",
    "libicu*",
    "libllvm*",
    "libpciaccess*",
    "libsensors*",
    "libsqlite3*",
    "libtinfo*",
    "libxml2*",
    "libz3*",
    "lsb-base",
    "mesa-*",
    "perl*",
    "sysvinit-utils",
    "x11-*",
    "xdg-utils",
    "xkb-data",
)
"""What it depends on for windows, for 3D and for its installation, and the C library, which is the machine's."""

STAMP = ".complete.json"
PROGRAM = "usr/lib/chromium/chromium-headless-shell"
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio")

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{prefix}/usr/share/fonts</dir>
  <cachedir>{prefix}/fonts-cache</cachedir>
  <alias><family>system-ui</family><prefer><family>Liberation Sans</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Liberation Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>Liberation Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """A browser that runs here.

    Attributes:
        program: to start.
        environment: what it needs beside the environment of whoever starts it.

    """

    program: Path
    environment: dict[str, str]

    def version(self) -> str:
        """Return what it calls itself.

        Raises:
            SetupError: it does not run.

        """
        try:
            done = subprocess.run(
                [str(self.program), "--version"],
                env={**os.environ, **self.environment},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise SetupError(f"{self.program} does not run: {exc}") from exc
        if done.returncode != 0:
            raise SetupError(f"{self.program} does not run: {done.stderr.strip()}")
        return done.stdout.strip()


def installed(runtime: Path) -> Chromium | None:
    """Return the browser to use, without installing any: the one on PATH, else a completely unpacked one."""
    for name in ON_PATH:
        if found := shutil.which(name):
            return Chromium(Path(found), {})
    prefix = runtime / "chromium"
    try:
        stamp = json.loads((prefix / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return _unpacked(prefix) if stamp.get("prefix") == str(prefix) else None


def install(runtime: Path, report: Callable[[str], None]) -> Chromium:
    """Return the browser to use, after unpacking one where there is none.

    Safe to interrupt and to call from two processes at once: a stamp that is written last says that all is there.

    Args:
        runtime: folder that gets ``chromium/``.
        report: called with one line of progress at a time.

    Raises:
        SetupError: it cannot be fetched, or does not run.

    """
    if found := installed(runtime):
        return found
    with only_one(runtime / ".chromium.lock"):
        if found := installed(runtime):
            return found
        prefix = runtime / "chromium"
        shutil.rmtree(prefix, ignore_errors=True)
        try:
            versions = fetch_debian_packages(
                PACKAGES, machine_suite(), prefix, report=report, with_dependencies=True, leave_out=LEAVE_OUT
            )
        except SetupFailed as exc:
            shutil.rmtree(prefix, ignore_errors=True)
            message = f"Chromium is not on PATH and cannot be fetched: {exc} (or install `chromium` yourself)"
            raise SetupError(message) from exc
        for unread in ("usr/share/doc", "usr/share/locale", "usr/share/X11"):
            shutil.rmtree(prefix / unread, ignore_errors=True)
        (prefix / "fonts.conf").write_text(FONTS.format(prefix=prefix), encoding="utf-8")
        found = _unpacked(prefix)
        found.version()
        stamp = {"prefix": str(prefix), "chromium": versions.get(PACKAGES[0], "")}
        (prefix / STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
        return found


def _unpacked(prefix: Path) -> Chromium:
    libraries = ":".join(str(prefix / folder) for folder in LIBRARIES)
    return Chromium(prefix / PROGRAM, {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(prefix / "fonts.conf")})


def main() -> int:
    """Install Chromium for this checkout; the exit status is 0 or, after an error on stderr, 1."""
    began = time.monotonic()
    try:
        found = install(runtime_folder(), lambda line: _say(f"Chromium: {line}"))
        _say(f"{found.version()} in {found.program.parent} ({time.monotonic() - began:.0f} s)")
    except SetupError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return exc.exit_code
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
