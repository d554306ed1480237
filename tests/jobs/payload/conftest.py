"""A block and its input, fresh for every test of the payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders.payload import PayloadCampaign, a_campaign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def campaign(tmp_path: Path) -> PayloadCampaign:
    """Return a block of one cpu job, number 3, over entries 1 to 3 of a file of four events."""
    return a_campaign(tmp_path)
