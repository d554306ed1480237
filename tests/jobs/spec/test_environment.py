"""How a worker gets its Python."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from jobs.spec.environment import Environment, EnvironmentKind


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("python", "/cvmfs/experiment.example.org/bin/python3.11"),
        ("archive", "env.tar.gz"),
        ("archive", "https://example.org/env.tar.gz"),
        ("container", "docker://registry.example.org/sonicgrid:1.0"),
        ("container", "/cvmfs/images/sonicgrid.sif"),
    ],
)
def test_there_are_three_ways(kind: EnvironmentKind, written: str) -> None:
    """Each key alone is right, and says which way it is."""
    environment = Environment.model_validate({kind: written})
    assert environment.kind == kind
    assert environment.model_dump(exclude_none=True) == {kind: written}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"python": "/a", "archive": "b"},
        {"python": "/a", "archive": "b", "container": "c"},
        {"python": "python3"},
        {"python": ""},
        {"archive": "a,b"},
        {"archive": "a b"},
        {"container": "a\nqueue"},
        {"image": "a"},
    ],
)
def test_all_else_is_refused(given: dict[str, str]) -> None:
    """None, more than one, and what a submit description would read as something else."""
    with pytest.raises(ValidationError):
        Environment.model_validate(given)
