"""Whose the slots of a real pool are: HTCondor's own ads, asked through the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders.grid import Grid

if TYPE_CHECKING:
    from jobs.pool.state import PoolState


@pytest.fixture
def grid(tmp_path: Path, condor_pool: PoolState) -> Grid:
    """A folder with the config of one of the two sites that the pool plays."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "FNAL.yaml").write_text("endpoints: triton.example.org:8001\nuplink: 10 Gb/s\n")
    return Grid(tmp_path, Path(condor_pool.folder))


def test_slots_of_no_site_are_counted(grid: Grid) -> None:
    """The eight slots of the site without a config are told, and the config's own eight are found."""
    pool = grid.ask("sites", "check", "--pool")["pool"]
    assert (pool["total"], pool["unclaimed"]) == (16, 8)
    assert pool["by_site"] == {"FNAL": 8}
    assert "8 slots belong to no site" in grid.run("sites", "check")


def test_an_overlap_shows_on_the_slots_alone(grid: Grid) -> None:
    """Two expressions that differ claim the same slots: a problem that names one of them, and exit code 2."""
    other = "endpoints: triton.example.org:8001\nuplink: 1 Gb/s\nslots: 'regexp(\"^FN\", TARGET.GLIDEIN_Site)'\n"
    (grid.root / "sites" / "US.yaml").write_text(other)
    printed = grid.run("sites", "check", expect=2)
    assert "'US' and 'FNAL' both claim 8 slots of the pool, such as slot" in printed
    assert "no problems" in grid.run("sites", "check", "--no-pool")
