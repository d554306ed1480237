"""The last word on a campaign: complete, or complete but for these; its exit status is the campaign's."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jobs.errors import JobsError
from jobs.layout import CampaignFolder
from jobs.results.validate import Validation, read_validation

__all__ = ["state_verdict"]

MOST_LINES = 20
"""More than these nobody reads in a terminal."""


def state_verdict(validation: Validation) -> str:
    """Return the verdict in one or more lines."""
    if validation.complete:
        return f"complete: {validation.jobs} jobs, {validation.events} events, {validation.hits} hits"
    if validation.missing:
        lines = [f"complete but for {len(validation.missing)} of {validation.jobs} jobs:"]
    else:
        lines = [f"all {validation.jobs} jobs are done, but the campaign is not complete:"]
    told = [f"job {row.job}: {row.exit_class}: {row.reason}" for row in validation.missing]
    told += [f"rejected when it was planned: {row.reason}" for row in validation.rejected]
    of_jobs = {f"job {row.job}: {row.reason}" for row in validation.missing}
    told += [contradiction for contradiction in validation.contradictions if contradiction not in of_jobs]
    lines += [f"  {line}" for line in told[:MOST_LINES]]
    if len(told) > MOST_LINES:
        lines.append(f"  and {len(told) - MOST_LINES} more; the report lists them all")
    return "\n".join(lines)


def main() -> None:
    """State the verdict; exit 0 and leave the mark of completeness only if every event came out."""
    parser = argparse.ArgumentParser(prog="python -m jobs.results.verdict", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    folder = CampaignFolder(parser.parse_args().folder)
    try:
        validation = read_validation(folder)
    except JobsError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(state_verdict(validation) + "\n")
    if not validation.complete:
        sys.exit(1)
    folder.complete.touch()


if __name__ == "__main__":
    main()
