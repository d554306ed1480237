"""How people choose jobs on the command line, and how what they chose is shown before anything is done to it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from jobs.cli.output import console, number_of_jobs
from jobs.errors import CampaignError, UsageError
from jobs.running.job_now import jobs_now
from jobs.running.select import Selection, explain_nothing, parse_numbers, select
from jobs.states import DISPLAY_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobs.layout import CampaignFolder
    from jobs.running.job_now import JobNow
    from jobs.states import JobState

__all__ = [
    "AllOption",
    "BlockOption",
    "DryRunOption",
    "ExitClassOption",
    "HostOption",
    "JobOption",
    "SiteOption",
    "StateOption",
    "WhyOption",
    "YesOption",
    "choose",
    "confirm",
    "counts",
    "planned_jobs",
    "selection_of",
]

_PANEL = "Which jobs (all that are given must fit)"

JobOption = Annotated[
    list[str] | None,
    typer.Option("--job", help="Numbers of the manifest, such as 7,12-20.", rich_help_panel=_PANEL),
]
BlockOption = Annotated[
    list[str] | None, typer.Option("--block", help="Numbers of blocks, such as 3 or 0-2.", rich_help_panel=_PANEL)
]
SiteOption = Annotated[
    list[str] | None, typer.Option("--site", help="Site of the last attempt.", rich_help_panel=_PANEL)
]
HostOption = Annotated[
    list[str] | None, typer.Option("--host", help="Worker of the last attempt.", rich_help_panel=_PANEL)
]
ExitClassOption = Annotated[
    list[str] | None,
    typer.Option("--exit-class", help="How the last attempt ended, such as bad_input.", rich_help_panel=_PANEL),
]
StateOption = Annotated[
    list[str] | None,
    typer.Option("--state", help="held, failed, running, idle or pending.", rich_help_panel=_PANEL),
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Every job that the command can act on.", rich_help_panel=_PANEL)
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show which jobs it would be, and do nothing.")]
WhyOption = Annotated[str, typer.Option("--why", help="Your reason; it goes on the record and is shown.")]


def selection_of(
    job: Iterable[str] | None,
    block: Iterable[str] | None,
    site: Iterable[str] | None,
    host: Iterable[str] | None,
    exit_class: Iterable[str] | None,
    state: Iterable[str] | None,
) -> Selection:
    """Return what the options say; each may be given several times, and hold several words with commas.

    Raises:
        UsageError: one of them says nothing that can be meant.

    """
    return Selection(
        jobs=parse_numbers("--job", job or ()),
        blocks=parse_numbers("--block", block or ()),
        sites=_words(site),
        hosts=_words(host),
        exit_classes=_words(exit_class),
        states=_words(state),
    )


def planned_jobs(folder: CampaignFolder) -> list[JobNow]:
    """Return every job of a campaign.

    Raises:
        CampaignError: it has none yet, or a file of it cannot be read.

    """
    if not folder.manifest.exists():
        message = f"{folder.root}: the campaign has not been planned, so it has no jobs; `sonicgrid submit` plans it"
        raise CampaignError(message)
    with console.status("Reading event logs and records"):
        return jobs_now(folder)


def choose(
    folder: CampaignFolder, selection: Selection, able: Sequence[JobState], verb: str, *, everything: bool
) -> list[JobNow]:
    """Return the jobs that a command is to act on.

    Args:
        folder: of the campaign.
        selection: what was chosen.
        able: states in which the command can act.
        verb: what it does, such as `retry`.
        everything: whether `--all` was given.

    Raises:
        UsageError: nothing was chosen, or what was chosen fits no job.
        CampaignError: a file of the campaign cannot be read.

    """
    if not (selection.narrows or everything):
        message = f"say which jobs to {verb}: --job, --block, --site, --host, --exit-class, --state, or --all"
        raise UsageError(message)
    jobs = planned_jobs(folder)
    chosen = select(jobs, selection, able)
    if not chosen:
        raise UsageError(explain_nothing(jobs, selection, able, verb))
    return chosen


def confirm(jobs: Sequence[JobNow], verb: str, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Show what a command is about to touch, and ask; ends the command where the answer is no.

    Raises:
        UsageError: there is nobody to ask.

    """
    if as_json:
        if not (yes or dry_run):
            raise UsageError(f"--json asks nothing: say --yes to {verb} {len(jobs):,} jobs, or --dry-run to see which")
        return
    console.print(_table(jobs, f"to {verb}: {number_of_jobs(len(jobs))}"))
    if dry_run:
        console.print("nothing was done (--dry-run)", markup=False)
        raise typer.Exit
    if not yes:
        typer.confirm(f"{verb.capitalize()} {'this job' if len(jobs) == 1 else 'these jobs'}?", abort=True)


def counts(jobs: Iterable[JobNow]) -> dict[str, int]:
    """Return the number of jobs by state, what needs a person first."""
    found = Counter(job.state for job in jobs)
    return {str(state): found[state] for state in DISPLAY_ORDER if found[state]}


def _table(jobs: Iterable[JobNow], title: str) -> Table:
    groups = Counter((job.state, job.exit_class, _short(job.first_line)) for job in jobs)
    table = Table(box=None, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("state")
    table.add_column("jobs", justify="right")
    table.add_column("exit class", overflow="fold")
    table.add_column("reason", overflow="fold")
    order = {state: place for place, state in enumerate(DISPLAY_ORDER)}
    rows = sorted(groups.items(), key=lambda item: (order[item[0][0]], -item[1]))
    for (state, exit_class, reason), count in rows[:_MOST_ROWS]:
        table.add_row(str(state), f"{count:,}", exit_class or "-", escape(reason) or "-")
    if len(rows) > _MOST_ROWS:
        left = sum(count for _, count in rows[_MOST_ROWS:])
        table.add_row("", f"{left:,}", "", f"{len(rows) - _MOST_ROWS:,} more reasons")
    return table


_MOST_ROWS = 15
"""Reasons that a table shows; each may name its own file."""

_LONGEST_REASON = 100


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"


def _words(texts: Iterable[str] | None) -> frozenset[str]:
    return frozenset(word.strip() for text in texts or () for word in text.split(",") if word.strip())
