"""The page of all jobs: a table that is filtered and sorted by the store."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jobs.states import DISPLAY_ORDER
from monitoring.errors import NoSuchPage
from monitoring.live.job_page import SORTABLE
from monitoring.pages.making import maker
from monitoring.panels.jobs import jobs as jobs_panel
from monitoring.panels.jobs import jobs_by_state
from monitoring.panels.panel import Crumb, Recipe

if TYPE_CHECKING:
    from monitoring.live.job_page import JobFilter, SortKey
    from monitoring.panels.shown import Shown

__all__ = ["jobs"]

EVERY_S = 2.0


def jobs(
    shown: Shown,
    wanted: JobFilter,
    sort: str = "job",
    *,
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> Recipe:
    """Return the page of the jobs that pass a filter.

    Args:
        shown: the campaign.
        wanted: which jobs.
        sort: key of the column that they are sorted by.
        descending: largest first.
        offset: rows before the first one.
        limit: most rows.

    Raises:
        NoSuchPage: there is no such state, or no such column to sort by.

    """
    if wanted.state and wanted.state not in DISPLAY_ORDER:
        message = f"{wanted.state!r} is no state of a job; take one of {', '.join(DISPLAY_ORDER)}"
        raise NoSuchPage(message)
    table = partial(jobs_panel, wanted=wanted, sort=_column(sort), descending=descending, offset=offset, limit=limit)
    return Recipe(
        title=f"Jobs of {shown.name}",
        crumbs=(Crumb("Campaigns", ""), Crumb(shown.name, shown.path)),
        makers=(
            maker(shown, "jobs-states", EVERY_S, partial(jobs_by_state, wanted=wanted)),
            maker(shown, "jobs", EVERY_S, table),
        ),
    )


def _column(sort: str) -> SortKey:
    for column in SORTABLE:
        if column == sort:
            return column
    message = f"jobs cannot be sorted by {sort!r}; take one of {', '.join(SORTABLE)}"
    raise NoSuchPage(message)
