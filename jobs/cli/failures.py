"""The command `sonicgrid failures`: what failed or is held, who must act, where to look, and what to do next."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jobs.cli.output import JsonOption, console, emit_json, tell
from jobs.cli.selection import (
    BlockOption,
    ExitClassOption,
    HostOption,
    JobOption,
    SiteOption,
    StateOption,
    planned_jobs,
    selection_of,
)
from jobs.cli.target import CampaignArgument, find_folder
from jobs.cli.throttle import aside_line
from jobs.errors import UsageError
from jobs.results.meaning import first_line, meaning_of
from jobs.running.ranges import write_ranges
from jobs.running.select import explain_nothing, select
from jobs.states import JobState
from jobs.throttle.state import read_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from jobs.layout import CampaignFolder
    from jobs.running.job_now import JobNow

__all__ = ["register"]

_TROUBLE = (JobState.FAILED, JobState.HELD)

_MOST_NAMED = 4
"""Sites and hosts that a group names; the most frequent ones."""

_LONGEST_RANGES = 60
"""Characters of job numbers that a group shows."""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(failures)


def failures(
    campaign: CampaignArgument,
    job: JobOption = None,
    block: BlockOption = None,
    site: SiteOption = None,
    host: HostOption = None,
    exit_class: ExitClassOption = None,
    state: StateOption = None,
    list_: Annotated[bool, typer.Option("--list", help="One line for each job instead of groups.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what failed or is held, by exit class: who must act, where it happened, and what to do next.

    Works during a campaign and after it, from its files alone.

    Example: sonicgrid failures my-run.yaml --exit-class bad_input --list
    """
    folder = find_folder(campaign)
    selection = selection_of(job, block, site, host, exit_class, state)
    jobs = planned_jobs(folder)
    found = select(jobs, selection, _TROUBLE)
    if not found and selection.narrows and select(jobs, selection_of(*[None] * 6), _TROUBLE):
        raise UsageError(explain_nothing(jobs, selection, _TROUBLE, "show"))
    groups = _groups(found)
    throttle = read_state(folder)
    asides = throttle.aside if throttle else ()
    if as_json:
        emit_json(_document(folder, campaign, groups, found) | {"aside": [one.model_dump() for one in asides]})
        return
    if not found:
        console.print(f"no job of {len(jobs):,} has failed or is held", markup=False)
    elif list_:
        _show_list(folder, found)
    else:
        for group in groups:
            _show_group(folder, campaign, *group)
    for aside in asides:
        tell(aside_line(aside), style="yellow")


def _groups(jobs: Iterable[JobNow]) -> list[tuple[JobState, str, list[JobNow]]]:
    """Return the jobs by state and exit class, failed ones and large groups first; the newest job of a group last."""
    found: dict[tuple[JobState, str], list[JobNow]] = defaultdict(list)
    for job in jobs:
        found[job.state, "held by a person" if job.held_by_person else job.exit_class].append(job)
    ordered = sorted(found.items(), key=lambda item: (item[0][0] is JobState.HELD, -len(item[1])))
    return [(state, what, sorted(some, key=lambda one: one.at)) for (state, what), some in ordered]


def _show_group(folder: CampaignFolder, campaign: str, state: JobState, what: str, jobs: Sequence[JobNow]) -> None:
    newest = jobs[-1]
    title = f"[bold]{len(jobs):,} {state}[/]: {escape(what or 'no exit class')}"
    table = Table(box=None, padding=(0, 1, 0, 2), show_header=False, title=title, title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    who, meaning = _who_and_meaning(state, what)
    rows = [("who must act", who), ("meaning", meaning)]
    rows += [(name, _most_common(words)) for name, words in (("sites", _sites(jobs)), ("hosts", _hosts(jobs)))]
    rows += [("jobs", _numbers(jobs)), ("newest error", first_line(newest.reason)), ("of job", _of(newest))]
    rows += [("log", str(_log(folder, newest)))]
    if newest.records:
        rows.append(("records", str(folder.block(newest.block).records / f"{newest.job:07d}.*.json")))
    rows.append(("then", _next(campaign, state, what)))
    for name, value in rows:
        if value:
            table.add_row(name, escape(value))
    console.print(table)
    console.print()


def _show_list(folder: CampaignFolder, jobs: Iterable[JobNow]) -> None:
    for job in jobs:
        words = (f"job {job.job}", job.state, job.exit_class or "-", job.site or "-", job.host or "-", job.first_line)
        console.print("  ".join(map(str, words)), markup=False, soft_wrap=True)
    console.print(f"logs: {folder.blocks}/BLOCK/logs/JOB.log", markup=False, soft_wrap=True)


def _who_and_meaning(state: JobState, what: str) -> tuple[str, str]:
    if state is JobState.HELD and what == "held by a person":
        return "whoever held it", "it waits until a person releases it"
    if state is JobState.HELD and not what:
        return "site administrators", "HTCondor holds it for a reason of its own, and releases it a few times by itself"
    row = meaning_of(what)
    return row.who, row.meaning


def _next(campaign: str, state: JobState, what: str) -> str:
    if state is JobState.HELD and what == "held by a person":
        return f"sonicgrid release {campaign} --state held"
    if state is JobState.HELD:
        chosen = f"--exit-class {what}" if what else "--state held"
        return f"it starts again by itself after a pause; at once: sonicgrid release {campaign} {chosen}"
    mended = "once that is mended: " if not meaning_of(what).retry else ""
    return f"{mended}sonicgrid retry {campaign} --exit-class {what}"


def _document(
    folder: CampaignFolder,
    campaign: str,
    groups: Iterable[tuple[JobState, str, list[JobNow]]],
    jobs: Iterable[JobNow],
) -> dict[str, Any]:
    return {
        "folder": str(folder.root),
        "groups": [
            {
                "state": state,
                "exit_class": what,
                "jobs": len(some),
                "numbers": write_ranges(sorted(job.job for job in some)),
                "who_must_act": _who_and_meaning(state, what)[0],
                "meaning": _who_and_meaning(state, what)[1],
                "sites": dict(Counter(_sites(some)).most_common()),
                "hosts": dict(Counter(_hosts(some)).most_common()),
                "newest_error": first_line(some[-1].reason),
                "newest_job": some[-1].job,
                "log": str(_log(folder, some[-1])),
                "next": _next(campaign, state, what),
            }
            for state, what, some in groups
        ],
        "jobs": [asdict(job) for job in jobs],
    }


def _log(folder: CampaignFolder, job: JobNow) -> Path:
    return folder.block(job.block).logs / f"{job.job}.log"


def _of(job: JobNow) -> str:
    last = job.entry_stop - 1
    entries = f"entry {last}" if job.entry_start == last else f"entries {job.entry_start} to {last}"
    return f"{job.job}, {job.input_file} {entries}, {job.attempts} attempt{'s' * (job.attempts != 1)}"


def _sites(jobs: Iterable[JobNow]) -> list[str]:
    return [job.site for job in jobs if job.site]


def _hosts(jobs: Iterable[JobNow]) -> list[str]:
    return [job.host for job in jobs if job.host]


def _most_common(words: Iterable[str]) -> str:
    counted = Counter(words).most_common()
    named = ", ".join(f"{word} ({count:,})" for word, count in counted[:_MOST_NAMED])
    return named + (f" and {len(counted) - _MOST_NAMED:,} more" if len(counted) > _MOST_NAMED else "")


def _numbers(jobs: Iterable[JobNow]) -> str:
    text = write_ranges(sorted(job.job for job in jobs))
    if len(text) <= _LONGEST_RANGES:
        return text
    return text[:_LONGEST_RANGES].rpartition(",")[0] + ",…"
