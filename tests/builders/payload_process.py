"""The payload as a process, with the environment that HTCondor gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from jobs.layout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.builders.payload import PayloadCampaign

__all__ = ["RECORD", "command", "run"]

RECORD = "0000003.0.0.json"
"""Name of the record that the first attempt of job 3 leaves."""


def command(campaign: PayloadCampaign, job: int = 3) -> list[str]:
    """Return the command line that HTCondor runs."""
    return [sys.executable, "-m", "jobs.payload", str(campaign.block_json), str(job)]


def run(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it with next to no environment, as a job has it."""
    return subprocess.run(
        arguments,
        cwd=CHECKOUT,
        env={"PATH": os.defpath, "SONICGRID_SITE": "here", **(environment or {})},
        preexec_fn=before,  # sets a limit only
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
