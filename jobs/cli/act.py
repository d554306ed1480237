"""The commands `retry`, `hold` and `release`: they act on any selection of a campaign's jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli.life import submit
from jobs.cli.output import JsonOption, emit_json, number_of_jobs, tell
from jobs.cli.selection import (
    AllOption,
    BlockOption,
    DryRunOption,
    ExitClassOption,
    HostOption,
    JobOption,
    SiteOption,
    StateOption,
    WhyOption,
    YesOption,
    choose,
    confirm,
    counts,
    selection_of,
)
from jobs.cli.target import CampaignArgument, SitesFolderOption, find_folder, find_spec
from jobs.errors import UsageError
from jobs.running.act_on import HOLDABLE, RELEASABLE, RETRYABLE, hold_jobs, release_jobs, retry_jobs
from jobs.running.lock import find_driver
from jobs.running.queue import open_queue
from jobs.running.ranges import write_ranges
from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.layout import CampaignFolder
    from jobs.running.job_now import JobNow

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(retry)
    app.command()(hold)
    app.command()(release)


def retry(
    campaign: CampaignArgument,
    job: JobOption = None,
    block: BlockOption = None,
    site: SiteOption = None,
    host: HostOption = None,
    exit_class: ExitClassOption = None,
    all_: AllOption = False,
    why: WhyOption = "",
    go_on: Annotated[
        bool, typer.Option("--submit", help="Where no driver is at work, go on with the campaign at once.")
    ] = False,
    sites_folder: SitesFolderOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run failed jobs again, also those that no retry mends by itself: the input was mended, or the model is there now.

    Each gets all its retries anew. A driver that is at work takes them up; otherwise `sonicgrid submit` does. Jobs that
    are done, at work or in the queue are not touched.

    Example: sonicgrid retry my-run.yaml --exit-class model_missing
    """
    folder = find_folder(campaign)
    if go_on:
        if as_json:
            raise UsageError("--submit follows the campaign to its end; leave out --json, or run `sonicgrid submit`")
        find_spec(campaign)
    selection = selection_of(job, block, site, host, exit_class, None)
    chosen = choose(folder, selection, RETRYABLE, "retry", everything=all_)
    confirm(chosen, "retry", yes=yes, dry_run=dry_run, as_json=as_json)
    if dry_run:
        _emit(folder, chosen, done=False)
        return
    done = retry_jobs(folder, chosen, why)
    if as_json:
        _emit(folder, chosen, now=done.now, later=done.later, waiting=done.waiting)
        return
    if done.now:
        tell(f"back to HTCondor within seconds: {number_of_jobs(done.now)}")
    if done.later:
        later = "of blocks that are through, which the driver takes up at the end of its round"
        tell(f"{later}: {number_of_jobs(done.later)}")
    if done.waiting and go_on:
        submit(campaign, sites_folder)
    elif done.waiting:
        noted = f"noted, for `sonicgrid submit {campaign}` to run, as no driver is at work"
        tell(f"{noted}: {number_of_jobs(done.waiting)}")


def hold(
    campaign: CampaignArgument,
    job: JobOption = None,
    block: BlockOption = None,
    site: SiteOption = None,
    host: HostOption = None,
    exit_class: ExitClassOption = None,
    state: StateOption = None,
    all_: AllOption = False,
    why: WhyOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Hold jobs until a person releases them; one that runs stops and begins again when it is released.

    Jobs that HTCondor has not made yet are held too: they do not come up.

    Example: sonicgrid hold my-run.yaml --site FNAL --why "downtime until noon"
    """
    folder = find_folder(campaign)
    selection = selection_of(job, block, site, host, exit_class, state)
    chosen = choose(folder, selection, HOLDABLE, "hold", everything=all_)
    confirm(chosen, "hold", yes=yes, dry_run=dry_run, as_json=as_json)
    if dry_run:
        _emit(folder, chosen, done=False)
        return
    kept = hold_jobs(folder, open_queue(), chosen, why)
    to_come = len(chosen) - len(kept.held) - sum(one.state is JobState.HELD for one in chosen)
    if as_json:
        _emit(folder, chosen, held=len(kept.held), to_come=to_come)
        return
    tell(f"held in the queue: {number_of_jobs(len(kept.held))}")
    if to_come > 0:
        tell(f"held before they come up: {number_of_jobs(to_come)}")
    if any(one.state is JobState.HELD for one in chosen):
        tell("what was held already stays held when its pause ends, as long as a driver is at work to see to it")
    if kept.stopped and find_driver(folder) is None:
        tell(f"what else was to come of their clusters waits for `sonicgrid submit {campaign}`: no driver is at work")
    tell(f"until `sonicgrid release {campaign}` with the same selection, or --state held")


def release(
    campaign: CampaignArgument,
    job: JobOption = None,
    block: BlockOption = None,
    site: SiteOption = None,
    host: HostOption = None,
    exit_class: ExitClassOption = None,
    state: StateOption = None,
    all_: AllOption = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Release held jobs, whether a person holds them or they wait out a pause.

    Example: sonicgrid release my-run.yaml --exit-class pool_denied
    """
    folder = find_folder(campaign)
    selection = selection_of(job, block, site, host, exit_class, state)
    chosen = choose(folder, selection, RELEASABLE, "release", everything=all_)
    confirm(chosen, "release", yes=yes, dry_run=dry_run, as_json=as_json)
    if dry_run:
        _emit(folder, chosen, done=False)
        return
    done = release_jobs(folder, open_queue(), chosen)
    if as_json:
        _emit(folder, chosen, released=done.in_queue, to_come=done.to_come)
        return
    tell(f"released: {number_of_jobs(done.in_queue)}")
    if done.to_come:
        driver = find_driver(folder) is not None
        when = "within seconds" if driver else f"when `sonicgrid submit {campaign}` goes on"
        tell(f"not in the queue, and may come up again {when}: {number_of_jobs(done.to_come)}")


def _emit(folder: CampaignFolder, jobs: Sequence[JobNow], **more: object) -> None:
    """Print which jobs a command acts on, and what became of them."""
    numbers = write_ranges(sorted(job.job for job in jobs))
    emit_json({"folder": str(folder.root), "jobs": len(jobs), "numbers": numbers, "states": counts(jobs), **more})
