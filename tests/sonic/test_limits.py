"""Limits refuse what would never send anything."""

from __future__ import annotations

from dataclasses import fields

import pytest

from sonic.limits import Limits


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_every_bound_must_be_positive(name: str) -> None:
    """Zero or less must be refused by name."""
    with pytest.raises(ValueError, match=name):
        Limits(**{name: 0})
