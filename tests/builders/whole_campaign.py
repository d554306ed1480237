"""A campaign that is through, with every file that one has, made by the code that makes them; only jobs are played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.layout import CampaignFolder
from jobs.planning.plan import make_plan, write_plan
from jobs.planning.write_blocks import write_blocks
from jobs.replace_file import replace_file
from jobs.results.merge import merge
from jobs.results.validate import main as validate_and_write
from jobs.running.clusters import note_cluster
from jobs.running.outcome import judge, write_outcomes
from jobs.running.standing import Standing
from jobs.shares import shares_text
from jobs.spec.site import site_access
from jobs.states import JobState
from jobs.throttle.in_force import grid_in_force, put_in_force
from jobs.throttle.state import ThrottleState, write_state
from tests.builders.bench import Bench, write_site, write_spec
from tests.builders.payload import an_event, write_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["a_whole_campaign", "judge_blocks"]


def a_whole_campaign(root: Path) -> Bench:
    """Return a campaign of two files with five events, in three jobs and two blocks; its spec is `root/spec.yaml`."""
    (root / "data").mkdir(parents=True)
    write_file(root / "data" / "a.root", (an_event(number, 1) for number in range(3)))
    write_file(root / "data" / "b.root", (an_event(number, 1) for number in range(10, 12)))
    spec, sites = write_spec(root, jobs={"events_per_job": 2, "jobs_per_block": 2}), write_site(root)
    made = make_plan(spec, sites)
    folder = CampaignFolder(made.campaign.folder)
    replace_file(folder.inputs, b"")  # counted again, now that the folder is there
    made = make_plan(spec, sites, folder)
    write_plan(made, folder)
    bench = Bench(folder, made)
    put_in_force(folder, sites, made.campaign.sites, str(spec))
    grid = grid_in_force(folder)
    assert grid is not None
    access = {name: site_access(site, str) for name, site in grid.sites.items()}
    write_blocks(made.manifest, made.campaign, access, folder)
    for job, row in bench.jobs.items():
        bench.finish(job, input_uuid=row.input_uuid)
    judge_blocks(bench)
    for number in range(made.manifest.n_blocks):
        note_cluster(folder.block(number), 7 + number, (job.job for job in made.manifest.block(number)))
    write_state(folder, ThrottleState(at=1.0, sites={}))
    replace_file(folder.shares, shares_text({"local": 12.5}))
    assert validate_and_write(["--folder", str(folder.root)]) == 0
    merge(folder)
    (folder.root / "complete").touch()
    return bench


def judge_blocks(bench: Bench) -> None:
    """Write the outcome of every block that has none, as whoever watches it does when its last job has ended."""
    for number in range(bench.made.manifest.n_blocks):
        block = bench.folder.block(number)
        if not block.outcome.exists():
            jobs = bench.made.manifest.block(number)
            ended = {job.job: Standing(JobState.DONE, 7, job.job, starts=1, exit_code=0) for job in jobs}
            write_outcomes(block.outcome, judge(block, ended))
