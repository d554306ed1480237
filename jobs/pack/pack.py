"""Packs the environment that runs this into one archive: stage, complete, try, write."""

from __future__ import annotations

import errno
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import __version__
from jobs.errors import PackError
from jobs.pack.bring_libraries import bring_libraries, oldest_glibc
from jobs.pack.choose import choose_packages
from jobs.pack.contents import MANIFEST, RUN, Contents
from jobs.pack.stage import PYTHON, stage_interpreter, stage_packages
from jobs.pack.write_archive import check_place, write_archive

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Packed", "pack"]

_LEVEL = 4
"""Of gzip; 6, its default, takes twice as long for three per cent."""

_NO_ROOM = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])

_TRY = """\
import sys
import jobs.payload.attempt, jobs.payload.worker, sonic.client, sonic.local, classad2
strays = {file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))
          and not file.startswith(sys.prefix)}
sys.exit("\\n".join(sorted(strays)) or 0)
"""
"""Loads what a job of either flavour loads, and fails if any of it came from outside the archive."""


@dataclass(frozen=True)
class Packed:
    """An archive that was written."""

    archive: Path
    bytes: int
    contents: Contents


def pack(
    archive: Path,
    report: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Packed:
    """Write an archive with all that a job needs: this interpreter, its library, the payload and what that imports.

    Args:
        archive: where it appears, complete or not at all.
        report: called with one line of progress at a time.
        progress: called with bytes written and bytes in all, while the archive is being written.

    Raises:
        PackError: something is missing or cannot be moved; the message says what to do.

    """
    check_place(archive)
    packages = choose_packages()
    try:
        with tempfile.TemporaryDirectory(prefix="sonicgrid-pack-") as folder:
            stage = Path(folder)
            report(f"Python {platform.python_version()} and its standard library")
            stage_interpreter(stage)
            stage_packages(stage, packages, report)
            report("shared libraries")
            libraries = bring_libraries(stage)
            glibc = oldest_glibc(stage)
            _write_run(stage, glibc)
            report("trying it")
            _try(stage)
            report("compiling")
            _compile(stage)
            sizes = [path.stat().st_size for path in stage.rglob("*") if path.is_file()]
            contents = Contents(
                version=1,
                software_version=__version__,
                python=platform.python_version(),
                machine=platform.machine(),
                oldest_glibc=glibc,
                packages={name: package.version for name, package in packages.items()},
                libraries=libraries,
                files=len(sizes),
                unpacked_bytes=sum(sizes),
            )
            (stage / MANIFEST).write_text(contents.model_dump_json(indent=1) + "\n", encoding="utf-8")
            done = 0

            def count(size: int) -> None:
                nonlocal done
                done += size
                progress(done, contents.unpacked_bytes)

            report("writing")
            write_archive(stage, archive, level=_LEVEL, progress=count)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        message = f"the environment cannot be laid out in {tempfile.gettempdir()}: {error}"
        raise PackError(f"{message}; it takes about 500 MB there, or set TMPDIR to a place that has them") from error
    return Packed(archive, archive.stat().st_size, contents)


def _write_run(stage: Path, glibc: str) -> None:
    major, minor = glibc.split(".")
    text = (files("jobs.pack") / "run.sh").read_text(encoding="utf-8")
    values = {"MACHINE": platform.machine(), "GLIBC_MAJOR": major, "GLIBC_MINOR": minor, "PYTHON": PYTHON}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    run = stage / RUN
    run.write_text(text, encoding="utf-8")
    run.chmod(0o755)


def _try(stage: Path) -> None:
    """Load the payload from the stage, with an empty environment.

    Raises:
        PackError: it does not load, or takes something from elsewhere.

    """
    command = [str(stage / RUN), "-c", _TRY]
    done = subprocess.run(
        command, cwd=stage, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        message = f"the packed environment does not run by itself: {done.stderr.strip()}"
        raise PackError(f"{message}; install what is missing here, and pack again")


def _compile(stage: Path) -> None:
    """Compile every module, so that no job has to; what is compiled names no time and no folder of this machine."""
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    # Some packages carry templates or code for other versions of Python that do not compile; nothing imports them.
    subprocess.run([*command, "-s", str(stage), str(stage)], capture_output=True, check=False)
