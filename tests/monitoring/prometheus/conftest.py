"""What the tests of this folder share: Prometheus's own tool, and a campaign in its middle."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Protocol

import pytest

from jobs.pool.folders import runtime_folder
from monitoring.prometheus.install import install
from tests.builders.watched_campaign import WatchedCampaign

if TYPE_CHECKING:
    from pathlib import Path


class Promtool(Protocol):
    """Runs promtool, which must say yes; returns what it said."""

    def __call__(self, *arguments: str | Path, given: bytes = b"") -> str:
        """Run it with arguments, and with bytes on its standard input."""


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """The promtool of this machine, else the one in the runtime folder, installed if need be."""
    program = install(runtime_folder(), report=lambda _: None).promtool

    def run(*arguments: str | Path, given: bytes = b"") -> str:
        done = subprocess.run([program, *arguments], input=given, capture_output=True, check=False, timeout=60)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == 0, said
        return said

    return run


@pytest.fixture
def watched(tmp_path: Path) -> WatchedCampaign:
    """A campaign with jobs in every state."""
    return WatchedCampaign.begin(tmp_path)
