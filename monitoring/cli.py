"""The command `sonicgrid report`, which joins the command line by the entry point group "sonicgrid.commands"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from jobs.cli.output import JsonOption, console, emit_json
from jobs.cli.target import CampaignArgument, find_folder

if TYPE_CHECKING:
    from monitoring.report import Report

__all__ = ["report"]


def report(
    campaign: CampaignArgument,
    as_json: JsonOption = False,
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in the web browser.")] = False,
) -> None:
    """Write the report of a campaign: one HTML page that opens offline.

    It can be written at any time; half-way through a campaign it says so. The numbers behind the page are in
    report.json beside it.

    Example: sonicgrid report workflow/campaigns/demo.yaml
    """
    # Loads matplotlib, for which no other command should wait.
    from monitoring.report import write_report

    folder = find_folder(campaign)
    if as_json:
        emit_json(write_report(folder).numbers.model_dump(mode="json"))
        return
    with console.status("Reading the records"):
        written = write_report(folder)
    _tell(written)
    if open_page:
        typer.launch(written.page.resolve().as_uri())


def _tell(written: Report) -> None:
    numbers = written.numbers
    console.print(f"[bold]{escape(numbers.headline.campaign)}[/]: {escape(numbers.headline.sentence)}")
    if numbers.groups:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for name in ("flavour", "site", "jobs", "events", "s/event", "MB sent/event", "Mb/s per job"):
            table.add_column(name, justify="left" if name in ("flavour", "site") else "right")
        for row in numbers.groups:
            sent, rate = row.sent_bytes_per_event, row.sent_mbps_per_job
            table.add_row(
                row.flavour,
                escape(row.site),
                f"{row.jobs:,}",
                f"{row.events:,}",
                f"{row.seconds_per_event.value:.3g}" if row.seconds_per_event else "",
                f"{sent * 1e-6:.3g}" if sent is not None else "",
                f"{rate.value:.3g}" if rate else "",
            )
        console.print(table)
    for kind in numbers.failure_kinds:
        if kind.jobs_failed:
            console.print(f"{kind.jobs_failed:,} failed as {kind.exit_class}, to be seen to by: {kind.who}")
    console.print(f"Report: {escape(str(written.page))}", soft_wrap=True)
