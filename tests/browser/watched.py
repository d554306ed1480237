"""A real campaign that is long enough to be watched: two sites with narrow links, and a job that cannot succeed.

Its events are small and its jobs mostly sleep, so that two cores carry HTCondor, Triton, Envoy and a browser beside it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.pool.down import pool_down
from jobs.pool.up import pool_up
from jobs.reco.generate import GeneratorParameters, generate_file
from tests.builders.grid import Grid
from tests.builders.payload import an_event, write_file

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["BAD_FILE", "LINKS_MBPS", "NAME", "Watched", "watched_campaign"]

NAME = "run5809"
LINKS_MBPS = {"FNAL": 40, "CERN": 24}
"""Width of the sites' links."""

SLOTS = {"FNAL": 5, "CERN": 3}
FILES = 4
EVENTS_PER_JOB = 6

BAD_FILE = "<img src=x onerror=document.title='hacked'>.root"
"""Its job fails, and names it: no page may take it for more than text."""


@dataclass
class Watched:
    """The campaign and its pool.

    Attributes:
        grid: folder, specs and pool; runs commands.
        folder: of its results.
        submit: the command that runs it, once it has begun.

    """

    grid: Grid
    folder: CampaignFolder
    submit: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Submit it."""
        self.submit = self.grid.start("submit", f"{NAME}.yaml")

    @property
    def has_ended(self) -> bool:
        """Whether all is done that can be."""
        return self.submit is not None and self.submit.poll() is not None

    def write_site(self, site: str, mbps: int) -> None:
        """Write a site's config with another width of its link."""
        _write_site(self.grid, site, mbps)


@contextlib.contextmanager
def watched_campaign(
    root: Path, *, jobs: int = 36, seconds_per_event: float = 1.0, bad_file: str = BAD_FILE
) -> Iterator[Watched]:
    """Start a pool for a campaign, which is yet to begin; stop both in the end.

    Args:
        root: a folder of its own.
        jobs: about so many; one more fails.
        seconds_per_event: that a job sleeps in place of the rest of its work.
        bad_file: name of the file that cannot be used.

    """
    pool = root / "pool"
    try:
        pool_up(pool, sites=SLOTS, servers=1)
        grid = Grid(root, pool)
        events = max(1, round(jobs / FILES)) * EVENTS_PER_JOB
        for number in range(FILES):
            path = root / "data" / f"run5809-{number}.root"
            generate_file(path, events, 7, GeneratorParameters(n_apas=1, density=0.01), subrun=number)
        broken = an_event(5, 3)
        broken.wires.samples[2] = np.nan
        write_file(root / "data" / bad_file, [broken])
        for site, mbps in LINKS_MBPS.items():
            _write_site(grid, site, mbps)
        folder = grid.write_spec(
            NAME,
            description="Two sites with narrow links",
            sites=list(LINKS_MBPS),
            cpu_comparison="10 %",
            jobs={"events_per_job": EVENTS_PER_JOB, "jobs_per_block": 20},
            reco={"rest_of_chain": f"{seconds_per_event:g} s"},
        )
        watched = Watched(grid, folder)
        try:
            yield watched
        finally:
            if watched.submit is not None:
                watched.submit.kill()
                watched.submit.communicate()
                grid.run("cancel", f"{NAME}.yaml", "--yes")
    finally:
        pool_down(pool)


def _write_site(grid: Grid, site: str, mbps: int) -> None:
    path = grid.root / "sites" / f"{site}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"endpoints: embedded\nuplink: {mbps} Mb/s\ncampaign_share: 100 %\nrate_per_job: 8 Mb/s\nramp: 1200/min\n"
    )
