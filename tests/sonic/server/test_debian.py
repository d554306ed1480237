"""Reading the machine's apt sources, in both of their formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sonic.errors import SetupFailed
from sonic.server.debian import (
    AptSource,
    debian_mirror,
    fetch_debian_packages,
    machine_suite,
    parse_deb822,
    parse_one_line,
)

if TYPE_CHECKING:
    from pathlib import Path

DEB822 = """\
# the archive
Types: deb deb-src
URIs: http://mirror.example/debian
# a comment within a paragraph
Suites: bookworm bookworm-updates
Components: main
  contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb-src
URIs: http://mirror.example/sources
Suites: bookworm
Components: main

Types: deb
Enabled: no
URIs: http://mirror.example/off
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/inline
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""

ONE_LINE = """\
# deb http://mirror.example/off bookworm main
deb http://mirror.example/debian/ bookworm main contrib # trailing words
deb-src http://mirror.example/debian/ bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/a.gpg] http://mirror.example/other stable main
deb [ signed-by=/etc/apt/keyrings/b.gpg ] http://mirror.example/spaced bookworm main
deb http://mirror.example/flat ./
"""


def test_deb822_gives_binary_sources_that_are_on() -> None:
    """Source packages and switched-off paragraphs are left out, folded lines and comments understood."""
    assert parse_deb822(DEB822) == [
        AptSource(
            "http://mirror.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
            "/usr/share/keyrings/archive.gpg",
        ),
        AptSource("http://mirror.example/inline", ("bookworm-security",), ("main",), ""),
    ]


def test_one_line_format_with_and_without_options() -> None:
    """Options in brackets are read with and without spaces; comments and source lines are left out."""
    assert parse_one_line(ONE_LINE) == [
        AptSource("http://mirror.example/debian/", ("bookworm",), ("main", "contrib")),
        AptSource("http://mirror.example/other", ("stable",), ("main",), "/etc/apt/keyrings/a.gpg"),
        AptSource("http://mirror.example/spaced", ("bookworm",), ("main",), "/etc/apt/keyrings/b.gpg"),
        AptSource("http://mirror.example/flat", ("./",), ()),
    ]


@pytest.mark.parametrize(("name", "text"), [("debian.sources", DEB822), ("debian.list", ONE_LINE)])
def test_mirror_is_the_one_of_the_machines_own_release(tmp_path: Path, name: str, text: str) -> None:
    """Of many sources the one with the release's main packages is taken, another vendor's before it or not."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "aaa.list").write_text("deb http://vendor.example/apt any-bookworm main\n")
    (tmp_path / "sources.list.d" / name).write_text(text)
    assert debian_mirror("bookworm", tmp_path).uri.rstrip("/") == "http://mirror.example/debian"


def test_machine_without_a_mirror_is_told_so(tmp_path: Path) -> None:
    """The error names the folder and the release."""
    with pytest.raises(SetupFailed, match=rf"{tmp_path}.*bookworm"):
        debian_mirror("bookworm", tmp_path)


def test_other_systems_are_named_in_the_error(tmp_path: Path) -> None:
    """Where Debian's packages do not fit, the error says what runs here and what to do."""
    release = tmp_path / "os-release"
    release.write_text('ID=almalinux\nPRETTY_NAME="AlmaLinux 9"\n')
    with pytest.raises(SetupFailed, match=r"AlmaLinux 9.*environment\.yml"):
        machine_suite(release)


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without apt-get on PATH the error says so, and nothing is made."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupFailed, match="apt-get is not on PATH"):
        fetch_debian_packages(["hello"], "bookworm", tmp_path / "into", report=lambda _: None)
    assert not (tmp_path / "into").exists()
