"""A campaign as a user runs it: the command line in a folder of its own, on a real pool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
import yaml

from jobs.layout import CampaignFolder
from jobs.record import Record, read_records

__all__ = ["SONICGRID", "Grid", "merged_scores"]

SONICGRID = str(Path(sys.executable).with_name("sonicgrid"))


@dataclass(frozen=True)
class Grid:
    """A folder with input files and specs, and the pool that runs them."""

    root: Path
    pool: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the commands: the pool of the test, and no other configuration of HTCondor."""
        inherited = {name: value for name, value in os.environ.items() if name != "CONDOR_CONFIG"}
        own = {
            "SONICGRID_POOL": self.pool,
            "SONICGRID_SITES": self.root / "sites",
            "XDG_STATE_HOME": self.root / "state",
        }
        return inherited | {name: str(path) for name, path in own.items()}

    def write_spec(self, name: str, **changes: Any) -> CampaignFolder:  # noqa: ANN401 - whatever a spec can hold
        """Write a spec over the folder's data; returns where its results will be."""
        local = self.root / "sites" / "local.yaml"
        local.parent.mkdir(exist_ok=True)
        local.write_text("endpoints: embedded\nuplink: 10 Gb/s\n")
        spec = {"name": name, "inputs": "data/*.root", "sites": "local", "jobs": {"events_per_job": 2}, **changes}
        (self.root / f"{name}.yaml").write_text(yaml.safe_dump(spec))
        return CampaignFolder(self.root / "results" / name)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [SONICGRID, *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, expect: int = 0, timeout_s: float = 240) -> str:
        """Run a command to its end and return what it printed; its exit status must be as expected."""
        process = self.start(*arguments)
        try:
            printed, _ = process.communicate(timeout=timeout_s)
        finally:
            process.kill()
        assert process.returncode == expect, printed
        return printed

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Run a command with --json and return its document."""
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json"))
        return document

    def records(self, folder: CampaignFolder) -> list[Record]:
        """Every attempt of every job of a campaign."""
        return [record for block in sorted(folder.blocks.iterdir()) for record in read_records(block / "records")]


def merged_scores(folder: CampaignFolder) -> dict[tuple[int, int, int], ak.Array]:
    """Return every event of the merged files by its identity; fails if one is there twice."""
    events: dict[tuple[int, int, int], ak.Array] = {}
    for path in sorted(folder.merged.glob("*.root")):
        with uproot.open(path) as file:
            scores = file["scores"].arrays()
        for event in scores:
            identity = (int(event["run"]), int(event["subrun"]), int(event["event"]))
            assert identity not in events, f"{identity} is in {path} for the second time"
            parts = np.asarray(event["track"]) + np.asarray(event["em"]) + np.asarray(event["none"])
            np.testing.assert_allclose(parts, 1.0, atol=1e-5)
            events[identity] = event
    return events
