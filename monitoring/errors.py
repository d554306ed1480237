"""What can go wrong with a report.

    JobsError                 (jobs.errors; the command line maps this one tree)
    └── MonitoringError
        └── NothingToReport       the folder is no campaign's, or nothing was planned in it yet

Every message says what happened, where, and what to do.
"""

from __future__ import annotations

from jobs.errors import JobsError

__all__ = ["MonitoringError", "NothingToReport"]


class MonitoringError(JobsError):
    """Base of everything that this package raises."""


class NothingToReport(MonitoringError):
    """The folder holds no campaign, or a campaign that was never planned."""

    exit_code = 2
