"""A keeper without a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders.throttle import ThrottleBench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def throttle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThrottleBench:
    """A pool that plays along, and no site yet."""
    return ThrottleBench(tmp_path, monkeypatch)
