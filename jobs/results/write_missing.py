"""Lists what a campaign lacks in a file for spreadsheets and scripts: `missing.csv`, there only while it lacks any."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from jobs.exits import ExitClass
from jobs.replace_file import replace_file
from jobs.results.meaning import first_line, meaning_of

if TYPE_CHECKING:
    from jobs.layout import CampaignFolder
    from jobs.results.validate import Validation

__all__ = ["COLUMNS", "REJECTED", "write_missing"]

COLUMNS = ("job", "block", "input_file", "entry_start", "entry_stop", "exit_class", "who_must_act", "error")

REJECTED = "rejected"
"""Stands where an exit class would, for an input file that was rejected when the campaign was planned: no job reads it,
and nobody knows its entries."""


def write_missing(folder: CampaignFolder, validation: Validation) -> None:
    """Write a row for each job without a valid output and each rejected input file, or remove the file if none is.

    Raises:
        CampaignError: it cannot be written.

    """
    rows: list[tuple[object, ...]] = [
        (
            job.job,
            job.block,
            job.input_file,
            job.entry_start,
            job.entry_stop,
            job.exit_class,
            meaning_of(job.exit_class).who,
            first_line(job.reason),
        )
        for job in validation.missing
    ]
    who = meaning_of(ExitClass.BAD_INPUT).who
    rows += [("", "", one.path, "", "", REJECTED, who, first_line(one.reason)) for one in validation.rejected]
    if not rows:
        folder.missing.unlink(missing_ok=True)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    replace_file(folder.missing, text.getvalue().encode())
