"""What the tests of the report share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.layout import CampaignFolder
from tests.builders.campaign import CampaignBuilder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def campaign(tmp_path: Path) -> CampaignBuilder:
    """Return a builder of a campaign in an empty folder."""
    root = tmp_path / "campaign"
    root.mkdir()
    return CampaignBuilder(CampaignFolder(root))
