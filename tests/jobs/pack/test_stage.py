"""What is laid out for the archive is a whole Python with the chosen packages, without what no job opens."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

import pytest

from jobs.errors import PackError
from jobs.pack.bring_libraries import bring_libraries, oldest_glibc
from jobs.pack.stage import PYTHON, stage_interpreter, stage_packages

if TYPE_CHECKING:
    from pathlib import Path


def a_package(folder: Path, *files: str, missing: str = "") -> Distribution:
    """An installed package, `sample`, with some files, of which one may have gone."""
    metadata = folder / "sample-1.2.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: sample\nVersion: 1.2\n")
    if files:
        (metadata / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    for name in files:
        if name != missing:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("")
    return Distribution.at(metadata)


def names_below(folder: Path) -> set[str]:
    """Files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This interpreter, laid out with its libraries."""
    folder = tmp_path_factory.mktemp("stage")
    stage_interpreter(folder)
    bring_libraries(folder)
    return folder


def test_the_interpreter_runs_from_where_it_was_put(stage: Path) -> None:
    """It finds its own standard library, extension modules with libraries of the system included."""
    code = "import sys, ssl, ctypes, lzma, hashlib; print(sys.prefix, ssl.__file__, sep='\\n')"
    environment = {"LD_LIBRARY_PATH": str(stage / "lib")}
    command = [str(stage / "bin" / PYTHON), "-I", "-B", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    prefix, module = done.stdout.splitlines()
    assert prefix == str(stage)
    assert module.startswith(str(stage))


def test_what_no_job_opens_stays_at_home(stage: Path) -> None:
    """Tests, window toolkits, caches and headers only make the archive heavier."""
    names = names_below(stage)
    assert any(name.endswith("json/decoder.py") for name in names)
    folders = {"test", "tests", "tkinter", "idlelib", "__pycache__", "site-packages"}
    assert {name for name in names if folders.intersection(name.split("/"))} == set()
    assert {name for name in names if name.endswith((".h", ".a", ".pyc")) or "_tkinter" in name} == set()


def test_the_oldest_c_library_is_a_version_that_this_machine_has(stage: Path) -> None:
    """The archive runs here, so that it cannot need a newer C library than this machine's."""
    said = os.confstr("CS_GNU_LIBC_VERSION")
    assert said is not None
    here = tuple(int(part) for part in said.split()[1].split("."))
    needed = tuple(int(part) for part in oldest_glibc(stage).split("."))
    assert (2, 2) < needed <= here


def test_a_package_comes_with_its_files_and_this_projects_with_it(tmp_path: Path) -> None:
    """Modules and data of a package are there, its tests, stubs and scripts are not; `jobs` and `sonic` are."""
    files = ("sample/__init__.py", "sample/data.json", "sample/tests/test_it.py", "sample/a.pyi", "../../bin/sample")
    package = a_package(tmp_path / "lib" / "packages", *files)
    said: list[str] = []
    stage_packages(tmp_path / "stage", {"sample": package}, said.append)
    assert said == ["sample 1.2"]
    (folder,) = {path.parents[1] for path in (tmp_path / "stage").rglob("sample/__init__.py")}
    names = names_below(folder)
    assert {name for name in names if name.startswith("sample/")} == {"sample/__init__.py", "sample/data.json"}
    assert {"jobs/payload/__main__.py", "sonic/client.py"} <= names
    assert not {name for name in names if name.startswith(("monitoring", "tests", "benchmarks"))}
    assert any(name.startswith("sonicgrid-") and name.endswith("METADATA") for name in names)


@pytest.mark.parametrize(
    ("files", "missing", "words"),
    [
        ((), "", r"sample 1.2 does not say which files it has .*pip install --force-reinstall sample"),
        (("sample.py",), "sample.py", r"sample is not complete: there is no .*sample.py; install it anew"),
    ],
)
def test_a_damaged_package_is_named(tmp_path: Path, files: tuple[str, ...], missing: str, words: str) -> None:
    """The error says which package, what is wrong with it, and what to do."""
    package = a_package(tmp_path / "packages", *files, missing=missing)
    with pytest.raises(PackError, match=words):
        stage_packages(tmp_path / "stage", {"sample": package}, lambda _: None)
