"""What can go wrong in monitoring.

    JobsError                 (jobs.errors; the command line maps this one tree)
    └── MonitoringError
        ├── NothingToReport       the folder is no campaign's, or nothing was planned in it yet
        ├── NothingToCollect      the same, for the dashboard's collector
        ├── StoreBusy             another process writes the store
        ├── StoreUnusable         the store cannot be read or written
        ├── NoSuchPage            the dashboard has no page of that address: no such campaign, site or job
        ├── BadQuery              the dashboard has that page, and it cannot be asked that
        └── CannotServe           the dashboard cannot listen: port, token or certificate

Every message says what happened, where, and what to do.
"""

from __future__ import annotations

from jobs.errors import JobsError

__all__ = [
    "BadQuery",
    "CannotServe",
    "MonitoringError",
    "NoSuchPage",
    "NothingToCollect",
    "NothingToReport",
    "StoreBusy",
    "StoreUnusable",
]


class MonitoringError(JobsError):
    """Base of everything that this package raises."""


class NothingToReport(MonitoringError):
    """The folder holds no campaign, or a campaign that was never planned."""

    exit_code = 2


class NothingToCollect(MonitoringError):
    """The folder holds no campaign, or a campaign that is not planned yet."""

    exit_code = 2


class StoreBusy(MonitoringError):
    """Another process writes the store."""


class StoreUnusable(MonitoringError):
    """The store cannot be read or written."""


class NoSuchPage(MonitoringError):
    """The dashboard has no page of that address: no such campaign, site or job."""

    exit_code = 2


class BadQuery(MonitoringError):
    """The dashboard has that page, but cannot be asked that of it."""

    exit_code = 2


class CannotServe(MonitoringError):
    """The dashboard cannot listen: its port, its token or its certificate is not usable."""
