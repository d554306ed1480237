"""What `pool up` refuses before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli.pool import app
from jobs.errors import UsageError
from jobs.pool.htcondor import HTCondor
from jobs.pool.start import start_pool
from jobs.pool.status import condor_status
from jobs.pool.stop import stop_pool

NOWHERE = HTCondor(release=Path("/n"), bin=Path("/n/bin"), sbin=Path("/n/sbin"), libexec=Path("/n/x"), version="0")


@pytest.mark.parametrize("sites", [{}, {"FNAL": 0}, {"2x2": 1}, {"a b": 1}, {'"': 1}, {"a-b": 1}])
def test_bad_sites_are_refused(tmp_path: Path, sites: dict[str, int]) -> None:
    """A name that HTCondor's language would break on, or no slots, is wrong use, and nothing is made."""
    with pytest.raises(UsageError):
        start_pool(tmp_path / "pool", NOWHERE, sites)
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize(
    "options",
    [["--site", "FNAL"], ["--site", "FNAL=x"], ["--site", "A=1", "--site", "A=2"], ["--slots", "2", "--site", "A=1"]],
)
def test_bad_options_are_wrong_use(tmp_path: Path, options: list[str]) -> None:
    """The command stops before it installs or starts anything."""
    result = CliRunner().invoke(app, ["up", "--folder", str(tmp_path / "pool"), *options])
    assert isinstance(result.exception, UsageError)
    assert not (tmp_path / "pool").exists()


def test_pool_that_never_was_is_down(tmp_path: Path) -> None:
    """Asking for it and stopping it are no errors, and make nothing."""
    assert not condor_status(tmp_path / "pool").up
    assert stop_pool(tmp_path / "pool") == 0
    assert not (tmp_path / "pool").exists()
