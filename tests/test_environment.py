"""One list of dependencies: pyproject.toml has it, the lock file and the conda environment follow."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CHECKOUT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"htcondor": "python-htcondor", "matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}
"""Packages that conda-forge and bioconda call something else."""


def declared(extra: str | None = None) -> dict[str, Requirement]:
    """Return pyproject's dependencies, or those of one of its extras, by canonical name."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def locked() -> dict[str, list[Requirement]]:
    """Return the lock file's lines by canonical name; one name may have a line for each version of Python."""
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    found: dict[str, list[Requirement]] = {}
    for line in lines:
        if line and not line.startswith(("#", " ")):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def conda() -> dict[str, Requirement]:
    """Return what environment.yml asks of conda and of pip, by name."""
    listed = yaml.safe_load((CHECKOUT / "environment.yml").read_text())["dependencies"]
    plain = [line for line in listed if isinstance(line, str)]
    from_pip = [line for part in listed if isinstance(part, dict) for line in part["pip"] if not line.startswith("-")]
    found = [Requirement(line) for line in (*plain, *from_pip)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def test_lock_holds_an_exact_version_of_every_dependency() -> None:
    """Each dependency, those of development included, is locked to versions that pyproject allows."""
    lock = locked()
    for name, requirement in (declared() | declared("dev")).items():
        assert name in lock, f"requirements.lock lacks {name}: make it again as its first lines say"
        for line in lock[name]:
            assert re.fullmatch(r"==[^*]+", str(line.specifier)), line
            version = Version(str(line.specifier).removeprefix("=="))
            assert requirement.specifier.contains(version, prereleases=True), f"{line} against {requirement}"


def test_lock_names_no_index_and_no_file() -> None:
    """Where packages come from is the machine's own setting."""
    text = (CHECKOUT / "requirements.lock").read_text()
    assert "://" not in text
    assert "--index" not in text


def test_conda_environment_has_every_dependency_with_the_same_bound() -> None:
    """environment.yml asks for what pyproject asks for, and for nothing that pyproject does not know."""
    listed = conda()
    expected = {canonicalize_name(CONDA_NAMES.get(name, name)): requirement for name, requirement in declared().items()}
    for name, requirement in expected.items():
        assert name in listed, f"environment.yml lacks {name}"
        assert listed[name].specifier == requirement.specifier, name
    assert set(listed) - set(expected) == {"python", "pip", "htcondor", "nodejs"}


def test_python_and_htcondor_have_the_bounds_of_pyproject() -> None:
    """The interpreter's bound is pyproject's, and HTCondor's programs are as new as its bindings."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert str(conda()["python"].specifier) == project["requires-python"]
    assert conda()["htcondor"].specifier == declared()["htcondor"].specifier
