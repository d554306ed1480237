"""The report of a campaign, finished or half-way: `python -m monitoring.report` is what the workflow's rule calls."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.cli.output import print_error
from jobs.errors import JobsError
from jobs.layout import CampaignFolder
from jobs.replace_file import replace_file
from monitoring.reporting.campaign_store import campaign_store
from monitoring.reporting.collect_records import collect_records
from monitoring.reporting.collect_state import collect_state
from monitoring.reporting.page import render_page
from monitoring.reporting.summary import summarize
from monitoring.reporting.write_table import to_csv, to_tex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.numbers import ReportNumbers

__all__ = ["Report", "main", "write_report"]


@dataclass(frozen=True)
class Report:
    """A report that was written."""

    numbers: ReportNumbers
    page: Path
    json: Path


def write_report(folder: CampaignFolder) -> Report:
    """Read the campaign as it stands now; write the page and, beside it, its numbers as JSON and the table by site.

    Raises:
        NothingToReport: the folder holds no planned campaign.
        CampaignError: a file of the campaign is damaged, or the report cannot be written.
        StoreUnusable: there is no place for the store that plots are drawn from.

    """
    state = collect_state(folder)
    collected = collect_records(folder, state.manifest_digest)
    with campaign_store(folder, state.campaign, len(collected.attempts)) as shown:
        numbers = summarize(state, collected, shown)
    page = render_page(numbers)
    replace_file(folder.report_table, to_csv(numbers.paper).encode())
    replace_file(folder.report_table_tex, to_tex(numbers.paper, numbers.headline.campaign).encode())
    replace_file(folder.report_numbers, (numbers.model_dump_json(indent=1) + "\n").encode())
    replace_file(folder.report, page.encode())
    return Report(numbers, folder.report, folder.report_numbers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report and say where; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.report", description="Write a campaign's report.")
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    options = parser.parse_args(arguments)
    try:
        report = write_report(CampaignFolder(options.folder))
    except JobsError as error:
        print_error(str(error))
        return error.exit_code
    sys.stdout.write(f"{report.numbers.headline.sentence}\n{report.page}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
