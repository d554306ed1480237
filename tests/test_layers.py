"""Imports go one way: monitoring -> jobs -> sonic."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "sonic": {"sonic"},
    "jobs": {"jobs", "sonic"},
    "monitoring": {"monitoring", "jobs", "sonic"},
}


def _imported(path: Path) -> set[str]:
    """Return the top packages of every import in a file, those inside functions included."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_go_one_way(package: str) -> None:
    """No module imports from a package above its own, nor from the tests."""
    files = sorted((CHECKOUT / package).rglob("*.py"))
    assert files
    forbidden = {*MAY_IMPORT, "tests", "benchmarks"} - MAY_IMPORT[package]
    wrong = {str(file.relative_to(CHECKOUT)): sorted(found) for file in files if (found := _imported(file) & forbidden)}
    assert wrong == {}


def test_the_check_sees_an_import_inside_a_function(tmp_path: Path) -> None:
    """An import that is hidden in a function is found too."""
    file = tmp_path / "hidden.py"
    file.write_text("def f():\n    from monitoring.report import main\n    import sonic.view\n")
    assert _imported(file) == {"monitoring", "sonic"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_come_from_this_checkout(package: str) -> None:
    """`import jobs` is ours: the names are common ones, and another package of that name must not win."""
    module = importlib.import_module(package)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().is_relative_to(CHECKOUT)


def test_no_package_is_called_workflow() -> None:
    """Inside a Snakefile, `workflow` is Snakemake's own global: a package of that name would hide behind it."""
    assert not (CHECKOUT / "workflow" / "__init__.py").exists()
    assert not list((CHECKOUT / "workflow").rglob("*.py"))
    assert not [folder for package in MAY_IMPORT for folder in (CHECKOUT / package).rglob("workflow")]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_every_module_says_why_it_exists(package: str) -> None:
    """Each module opens with a docstring and imports annotations; none is named after nothing."""
    for file in (CHECKOUT / package).rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{file} has no docstring"
        assert file.stem not in {"util", "utils", "core", "common", "helpers", "misc"}, file
