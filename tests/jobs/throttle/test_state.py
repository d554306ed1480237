"""What the throttle knows outlives its process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import CampaignError
from jobs.layout import CampaignFolder
from jobs.throttle.correct import Correction
from jobs.throttle.state import SiteState, ThrottleState, read_state, write_state
from jobs.throttle.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path


def test_there_is_none_before_the_first_decision(tmp_path: Path) -> None:
    """A campaign that was only planned."""
    assert read_state(CampaignFolder(tmp_path)) is None


def test_the_state_reads_back(tmp_path: Path) -> None:
    """Tallies, corrections and admission to the last digit."""
    site = SiteState(
        admission="materialize",
        budget_mbps=8000.0,
        rate_mbps=34.01,
        rate_origin="measured",
        admitted=294,
        binds="the link",
        room=12,
        planned=14,
        running=11,
        cpu_running=2,
        share_mbps=562.8571,
        flavour="cpu",
        correction=Correction(0.9025, 1.7e9, "why"),
        tally=Tally(wire_mb=1 / 3, events=2.0, window_s=60.0),
    )
    state = ThrottleState(at=1.7e9 + 0.25, problem="p", core_patches_per_s=2250.5, sites={"CERN-T0": site})
    folder = CampaignFolder(tmp_path)
    write_state(folder, state)
    assert read_state(folder) == state


@pytest.mark.parametrize("text", ["", "{", '{"version": 2, "at": 0, "sites": {}}'])
def test_a_state_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    """With what to do: the throttle can do without."""
    folder = CampaignFolder(tmp_path)
    folder.throttle.write_text(text)
    with pytest.raises(CampaignError, match=r"throttle\.json: not readable; `sonicgrid submit` sets it aside"):
        read_state(folder)
