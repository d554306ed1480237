"""The page's files: whole, as the contract has it, with nothing from elsewhere, and safe against what jobs say."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import re
import tomllib
from pathlib import Path

import jinja2
import pytest

from jobs.states import DISPLAY_ORDER
from monitoring.panels import panel as contract
from monitoring.web.install import PAGE, STATIC

WEB = STATIC.parent
CHECKOUT = WEB.parent.parent
MODULES = sorted(STATIC.glob("*.js"))
PLAIN_SCRIPTS = {"theme.js"}
"""Loaded by the shell itself, before anything is shown."""


def render(**given: str) -> str:
    """Fill the shell as the server does."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE.parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    values = {"title": "demo", "path": "c/demo?last=1h", "root": "/", "server_id": "s1", **given}
    return environment.get_template(PAGE.name).render(values)


def imports_of(module: Path) -> set[str]:
    """Return the names of the modules that one imports, those of types alone included."""
    return set(re.findall(r'(?:from|import) "\./([\w.]+)"', module.read_text()))


def test_every_module_is_reached_from_the_first_one() -> None:
    """No module is dead, and none that is asked for is missing."""
    reached: set[str] = set()
    ahead = {"app.js"}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= imports_of(STATIC / name) - reached
    assert reached | PLAIN_SCRIPTS == {path.name for path in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.name))
def test_module_says_why_it_is_there_and_stays_short(module: Path) -> None:
    """Each begins with a comment and has fewer than 300 lines, none of them very long."""
    lines = module.read_text().splitlines()
    assert lines[0].startswith(("/**", "// "))
    assert len(lines) < 300
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.name))
def test_no_module_makes_markup_of_text(module: Path) -> None:
    """What jobs and files say goes through textContent alone: nothing parses text as HTML or runs it."""
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc|"
        r'setAttribute\("(?:style|on\w+)',
        module.read_text(),
    )
    assert found == []


def test_nothing_is_fetched_from_elsewhere() -> None:
    """No file of the page names a host; SVG's namespace is a name and not an address."""
    for path in [*STATIC.iterdir(), PAGE]:
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path.name
        assert not re.search(r"""["'(]//\w""", text), path.name


def test_shell_escapes_what_it_is_given() -> None:
    """A title or a path out of an address cannot leave its place."""
    hostile = '"><script>alert(1)</script>'
    page = render(title=hostile, path=f"c/{hostile}")
    assert "<script>alert" not in page
    assert page.count("<script") == 2


def test_shell_needs_no_inline_script_or_style() -> None:
    """It is shown whole under `default-src 'self'`."""
    page = render()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


def test_shell_has_what_works_without_javascript_and_by_keyboard() -> None:
    """It leads to the numbers as JSON, and has landmarks and a way past the head."""
    page = render(root="/dash/")
    assert re.search(r'<noscript>.*href="/dash/json/c/demo\?last=1h"', page, re.DOTALL)
    assert re.search(r'class="skip" href="#main"', page)
    for landmark in ("<header", "<main", "<footer", '<nav id="crumbs" aria-label'):
        assert landmark in page


def test_every_part_that_the_modules_ask_for_is_in_the_shell() -> None:
    """The ids that the first module looks up are there."""
    asked = set(re.findall(r'part\("(\w+)"\)', (STATIC / "app.js").read_text()))
    assert asked <= set(re.findall(r'id="(\w+)"', render()))


def test_types_of_the_page_are_those_of_the_contract() -> None:
    """Every dataclass that the server sends has its fields, and no others, in contract.js."""
    text = (STATIC / "contract.js").read_text()
    for name in ("Source", "Fact", "Facts", "Column", "Paging", "Table", "Line", "Mark", "Plot", "Text", "Crumb"):
        check_type(text, name)
    for name in ("Panel", "Page"):
        check_type(text, name)


def check_type(text: str, name: str) -> None:
    """Compare one dataclass with its typedef."""
    found = re.search(rf"@typedef {{object}} {name}\n((?: \* @property .*\n)+)", text)
    assert found, name
    properties = set(re.findall(r"\} (\w+)", found[1]))
    assert properties == {field.name for field in dataclasses.fields(getattr(contract, name))}, name


def test_job_states_are_in_the_order_of_display() -> None:
    """The page knows the states that there are, and each has its colour for light and for dark."""
    found = re.search(r"JOB_STATES = (\[.*\]);", (STATIC / "contract.js").read_text())
    assert found
    assert json.loads(found[1]) == [str(state) for state in DISPLAY_ORDER]
    style = (STATIC / "style.css").read_text()
    for state in DISPLAY_ORDER:
        assert len(re.findall(rf"--state-{state}: #", style)) == 3
        assert f".state-{state} " in style


def test_lock_names_no_host_and_exact_versions() -> None:
    """Where packages come from is the machine's own setting; what comes is fixed, with its digest."""
    text = (WEB / "package-lock.json").read_text()
    assert "://" not in text
    assert "resolved" not in text
    packages = json.loads(text)["packages"]
    wanted = json.loads((WEB / "package.json").read_text())
    for name, version in {**wanted["dependencies"], **wanted["devDependencies"]}.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all(entry.get("integrity") for place, entry in packages.items() if place)
    assert (WEB / ".npmrc").read_text() == "omit-lockfile-registry-resolved=true\n"


def test_an_installed_package_has_every_file_of_the_page() -> None:
    """Each file that is no Python goes with the distribution."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in WEB.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    assert len(files) > 20
    unmatched = [path.name for path in files if not any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)]
    assert unmatched == []
