"""Chooses the Python packages that a job needs: those that the payload imports, and what these require in turn.

The list of what the payload imports is short and stands here; a test runs the payload and compares.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jobs.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PAYLOAD_NEEDS", "PAYLOAD_USES", "choose_packages"]

PAYLOAD_NEEDS = ("awkward", "htcondor", "numpy", "onnxruntime", "pydantic", "tritonclient[grpc]", "uproot", "zstandard")
"""What modules of the payload import, both flavours together."""

PAYLOAD_USES = ("fsspec-xrootd",)
"""What a job uses where it is installed: inputs at ``root://`` URLs."""


def choose_packages(
    needed: Iterable[str] = PAYLOAD_NEEDS, used: Iterable[str] = PAYLOAD_USES
) -> dict[str, Distribution]:
    """Return the installed packages that a job needs, by canonical name, in the order of their names.

    Args:
        needed: requirements that must be met.
        used: requirements that are met if their package is installed.

    Raises:
        PackError: a package that is needed, or required by one, is not installed here.

    """
    chosen: dict[str, Distribution] = {}
    waiting = [(Requirement(line), "the payload") for line in needed]
    waiting += [(Requirement(line), "the payload") for line in used if _is_installed(line)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, asked_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError as error:
            message = f"{requirement}, which {asked_by} needs, is not installed in this environment"
            raise PackError(f"{message}: install it, for example with `make setup`, and pack again") from error
        chosen[name] = found
        waiting += [(further, requirement.name) for further in _required(found, requirement.extras)]
    return dict(sorted(chosen.items()))


def _is_installed(line: str) -> bool:
    try:
        distribution(Requirement(line).name)
    except PackageNotFoundError:
        return False
    return True


def _required(found: Distribution, extras: Iterable[str]) -> list[Requirement]:
    """Return what a package requires on this machine, with some of its extras."""
    required = [Requirement(line) for line in found.requires or []]
    names = ["", *(re.sub(r"[-_.]+", "-", extra).lower() for extra in extras)]
    return [
        requirement
        for requirement in required
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": name}) for name in names)
    ]
