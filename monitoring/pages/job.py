"""The page of one job: where it stands, what happened to it, what it left, and how to look further."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from monitoring.pages.making import maker
from monitoring.panels.job import job as job_panel
from monitoring.panels.job import job_input, the_job
from monitoring.panels.job_attempts import job_attempts
from monitoring.panels.job_life import job_life
from monitoring.panels.job_log import job_commands, job_log
from monitoring.panels.job_rates import job_events, job_rates
from monitoring.panels.panel import Crumb, Recipe

if TYPE_CHECKING:
    import sqlite3

    from monitoring.panels.panel import Panel
    from monitoring.panels.shown import Shown

__all__ = ["job"]


class _JobPanel(Protocol):
    def __call__(self, connection: sqlite3.Connection, shown: Shown, now: float, number: int) -> Panel: ...


_PANELS: tuple[tuple[str, float, _JobPanel], ...] = (
    ("job", 2.0, job_panel),
    ("job-input", 30.0, job_input),
    ("job-life", 2.0, job_life),
    ("job-attempts", 5.0, job_attempts),
    ("job-rates", 5.0, job_rates),
    ("job-events", 5.0, job_events),
    ("job-log", 5.0, job_log),
    ("job-commands", 5.0, job_commands),
)


def job(shown: Shown, number: int) -> Recipe:
    """Return the page of one job.

    Args:
        shown: the campaign.
        number: of the job in the manifest.

    Raises:
        NoSuchPage: the campaign has no such job.
        StoreUnusable: there is no store yet, or it is damaged or of another version.

    """
    with shown.reading() as connection:
        the_job(connection, shown, number)

    return Recipe(
        title=f"Job {number} of {shown.name}",
        crumbs=(Crumb("Campaigns", ""), Crumb(shown.name, shown.path), Crumb("Jobs", f"{shown.path}/jobs")),
        makers=tuple(maker(shown, key, every_s, partial(panel, number=number)) for key, every_s, panel in _PANELS),
    )
