"""Pages of a few panels that read a real store, in place of the dashboard's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.errors import NoSuchPage
from monitoring.live.job_page import job_page
from monitoring.live.states import count_states
from monitoring.panels.panel import (
    Column,
    Crumb,
    Fact,
    Facts,
    Line,
    Paging,
    Panel,
    PanelMaker,
    Plot,
    Recipe,
    Source,
    Table,
    Text,
)
from monitoring.serve.recipes import Pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.live.job_page import JobFilter
    from monitoring.panels.shown import Shown

SOURCE = Source("the jobs' logs")
EVERY_S = 0.2


def a_table(shown: Shown) -> Panel:
    """Count the jobs by state, with a cell that a spreadsheet would calculate."""
    with shown.reading() as connection:
        rows = tuple((c.state, c.jobs, 1_700_000_000.0, "=1+1", "good") for c in count_states(connection))
    columns = (
        Column("state", "State", "state", tone="mood"),
        Column("jobs", "Jobs", "count"),
        Column("since", "Since", "time"),
        Column("remark", "Remark"),
        Column("mood", ""),
    )
    return Panel("states", "States", "", SOURCE, Table(columns, rows))


def a_plot(shown: Shown) -> Panel:
    """Draw two bins, of which the second is not known of one line."""
    lines = (Line("sent", "Sent", (1.5, None)), Line("budget_mbps", "Budget", (5.0, 5.0), role="limit"))
    return Panel("link", f"Link of {shown.name}", "", SOURCE, Plot("mbps", 60, (1_700_000_000, 1_700_000_060), lines))


def facts() -> Panel:
    """Say one number with its interval."""
    return Panel("headline", "Headline", "", SOURCE, Facts((Fact("eta_s", "Left", 60.0, "s", low=50.0, high=70.5),)))


def broken() -> Panel:
    """Fail in a way that nobody thought of."""
    message = "no such luck"
    raise KeyError(message)


def overview(campaigns: Sequence[Shown]) -> Recipe:
    """List the campaigns."""
    table = Table((Column("name", "Name", link="c/{name}"),), tuple((shown.name,) for shown in campaigns))
    panel = Panel("campaigns", "Campaigns", "", SOURCE, table)
    return Recipe("Campaigns", (), (PanelMaker("campaigns", EVERY_S, lambda: panel),))


def campaign(shown: Shown) -> Recipe:
    """Show a panel of each kind, and one that fails."""
    text = Panel("log", "Log", "", SOURCE, Text(("@first", "second")))
    makers = (
        PanelMaker("headline", EVERY_S, facts),
        PanelMaker("states", EVERY_S, lambda: a_table(shown)),
        PanelMaker("link", EVERY_S, lambda: a_plot(shown)),
        PanelMaker("log", EVERY_S, lambda: text),
        PanelMaker("broken", EVERY_S, broken),
    )
    return Recipe(shown.name, (Crumb("Campaigns", ""),), makers)


def site(shown: Shown, site: str) -> Recipe:
    """Show a site, of which there is one."""
    if site != "FNAL":
        message = f"{site}: {shown.name} has no such site; it has: FNAL"
        raise NoSuchPage(message)
    return Recipe(site, (), (PanelMaker("headline", EVERY_S, facts),))


def job(shown: Shown, number: int) -> Recipe:
    """Show a job that is in the store."""
    with shown.reading() as connection:
        if connection.execute("SELECT 1 FROM jobs WHERE job = ?", (number,)).fetchone() is None:
            message = f"{number}: {shown.name} has no such job"
            raise NoSuchPage(message)
    return Recipe(f"Job {number}", (), (PanelMaker("headline", EVERY_S, facts),))


def jobs(shown: Shown, wanted: JobFilter, sort: str, *, descending: bool, offset: int, limit: int) -> Recipe:
    """Show a page of the table of jobs."""

    def make() -> Panel:
        with shown.reading() as connection:
            page = job_page(connection, wanted, sort, descending=descending, offset=offset, limit=limit)  # type: ignore[arg-type] # a word
        rows = tuple((line.job, line.state) for line in page.lines)
        columns = (Column("job", "Job", "count", sort=True), Column("state", "State", "state"))
        paging = Paging(page.total, offset, limit, sort, descending)
        return Panel("jobs", "Jobs", "", SOURCE, Table(columns, rows, paging=paging))

    return Recipe("Jobs", (), (PanelMaker("jobs", EVERY_S, make),))


PAGES = Pages(overview, campaign, site, jobs, job)
