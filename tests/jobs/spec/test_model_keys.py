"""Which keys a model takes at a place."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from jobs.spec.model_keys import fields_at


class _Leaf(BaseModel):
    size_mb: float = Field(1.0, alias="size")


class _Top(BaseModel):
    name: str = Field("a", exclude=True)
    leaf: _Leaf | None = None
    leaves: tuple[_Leaf, ...] = ()
    by_name: dict[str, _Leaf] = {}
    plain: int = 1


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        ((), {"leaf", "leaves", "by_name", "plain"}),
        (("leaf",), {"size"}),
        (("leaves", 3), {"size"}),
        (("by_name", "whatever"), {"size"}),
        (("by_name", "leaf"), {"size"}),
        (("plain",), set()),
        (("no such key", "x"), set()),
        (("leaf", "size", "deeper"), set()),
    ],
)
def test_keys_as_people_write_them(place: tuple[str | int, ...], keys: set[str]) -> None:
    """Aliases and not names of fields, through unions, lists and mappings; where there is no model, there is no key."""
    assert set(fields_at(_Top, place)) == keys
