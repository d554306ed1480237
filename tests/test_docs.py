"""The docs do not drift: links lead somewhere, and what they list is what there is."""

from __future__ import annotations

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from jobs.cli.app import app

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
COMMANDS = CHECKOUT / "docs" / "reference" / "commands.md"
MOST_LINES = 300


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", _without_code(page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _names(group: typer.core.TyperGroup, prefix: str) -> set[str]:
    """Return every command below a group, as people type it."""
    names: set[str] = set()
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            names |= _names(command, f"{prefix} {name}")
        else:
            names.add(f"{prefix} {name}")
    return names


def _all_commands() -> set[str]:
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return _names(group, "sonicgrid")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file of the checkout, and an anchor names a heading in it."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_pages_are_short_and_have_one_title(page: Path) -> None:
    """A page has one heading of the first level, at its top, and can be read in one go."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", _without_code(text), flags=re.MULTILINE)) == 1
    assert len(text.splitlines()) <= MOST_LINES


def test_every_page_is_in_the_index() -> None:
    """Each page of docs can be reached from docs/README.md."""
    index = CHECKOUT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)\)", index.read_text())}
    assert {page for page in (CHECKOUT / "docs").rglob("*.md") if page != index} <= linked


def test_the_glossary_is_sorted_and_has_each_word_once() -> None:
    """Words can be found by their letter, and each has one meaning."""
    text = (CHECKOUT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [word.casefold() for word in re.findall(r"^\*\*(.+?)\*\*:", text, flags=re.MULTILINE)]
    assert len(words) > 30
    assert words == sorted(set(words))


def test_every_command_is_documented_and_no_other() -> None:
    """The headings of the reference are the commands of the command line."""
    headings = set(re.findall(r"^## `(.+)`$", COMMANDS.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert headings == _all_commands()


def test_every_option_is_documented() -> None:
    """The section of a command names each of its options; those that many share stand above."""
    general, *sections = re.split(r"^## ", COMMANDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    for section in sections:
        words = section.partition("\n")[0].strip("`").split()[1:]
        command: typer.core.TyperCommand | typer.core.TyperGroup = group
        for word in words:
            assert isinstance(command, typer.core.TyperGroup)
            command = command.commands[word]  # type: ignore[assignment] # typer makes only these two
        options = {parameter.opts[0] for parameter in command.params if parameter.opts[0].startswith("--")}
        missing = {option for option in options if f"`{option}`" not in section + general}
        assert missing == set(), section


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_commands_in_the_docs_exist(page: Path) -> None:
    """No page tells people to type a command, or an option of it, that there is not."""
    known = _all_commands()
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    for line in re.findall(r"\bsonicgrid ([a-z][^`\n]*)", page.read_text(encoding="utf-8")):
        words = line.split()
        command = group.commands.get(words[0])
        assert command is not None, f"sonicgrid {line}"
        if isinstance(command, typer.core.TyperGroup):
            assert len(words) > 1, f"sonicgrid {line}"
            assert f"sonicgrid {words[0]} {words[1]}" in known, f"sonicgrid {line}"
            command = command.commands[words[1]]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= options, f"sonicgrid {line}"


def test_every_dependency_has_its_reason_and_no_other() -> None:
    """The page on dependencies lists those of pyproject.toml and of the dashboard's package.json."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for lines in project["optional-dependencies"].values() for line in lines),
    ]
    names = {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0] for line in wanted}
    page_asks = json.loads((CHECKOUT / "monitoring" / "web" / "package.json").read_text(encoding="utf-8"))
    names |= {*page_asks["dependencies"], *page_asks["devDependencies"]}
    page = (CHECKOUT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(.+?)` \|", page, flags=re.MULTILINE)) == names


def test_the_picture_is_sound_and_says_what_it_shows() -> None:
    """The picture of the path of the data is well-formed and has a title and a description."""
    root = ET.fromstring((CHECKOUT / "docs" / "path-of-the-data.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own file
    names = {element.tag.rpartition("}")[2] for element in root}
    assert {"title", "desc"} <= names
