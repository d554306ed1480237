"""The shared Python library is found here, or fetched, or asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sonic.errors import SetupFailed
from sonic.server import libpython
from sonic.server.libpython import VERSION, find_libpython

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

NAME = f"libpython{VERSION}.so.1.0"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose Python was linked statically, which a test cannot make of this one."""
    monkeypatch.setattr(libpython, "_beside_the_interpreter", lambda _: None)
    monkeypatch.setattr(libpython, "_known_to_the_loader", lambda _: None)


def test_library_beside_the_interpreter_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter's own library is taken first, by a link in a folder of its own."""
    (tmp_path / "lib").mkdir()
    library = tmp_path / "lib" / NAME
    library.touch()
    monkeypatch.setattr("sysconfig.get_config_var", {"LIBDIR": str(library.parent)}.get)

    find_libpython(tmp_path / "own" / NAME, lambda _: None)

    assert (tmp_path / "own" / NAME).resolve() == library
    assert [path.name for path in (tmp_path / "own").iterdir()] == [NAME]


@pytest.mark.usefixtures("nowhere")
def test_library_of_debians_package_is_kept_and_the_rest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine has none, the one in Debian's package is taken out of it."""
    said: list[str] = []

    def fetch(names: Sequence[str], suite: str, into: Path, *, report: Callable[[str], None]) -> dict[str, str]:
        folder = into / "usr" / "lib"
        folder.mkdir(parents=True)
        (folder / NAME).write_text(f"{names[0]} of {suite}")
        return {}

    monkeypatch.setattr(libpython, "machine_suite", lambda: "bookworm")
    monkeypatch.setattr(libpython, "fetch_debian_packages", fetch)

    find_libpython(tmp_path / "own" / NAME, said.append)

    assert (tmp_path / "own" / NAME).read_text() == f"libpython{VERSION} of bookworm"
    assert [path.name for path in (tmp_path / "own").iterdir()] == [NAME]
    assert "libpython" in said[0]


@pytest.mark.usefixtures("nowhere")
def test_library_that_cannot_be_had_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be fetched, the error names the file, the reason and the package."""

    def fail() -> str:
        raise SetupFailed("this machine runs something else")

    monkeypatch.setattr(libpython, "machine_suite", fail)

    with pytest.raises(SetupFailed, match=rf"{NAME}.*something else.*apt install libpython{VERSION}"):
        find_libpython(tmp_path / "own" / NAME, lambda _: None)
