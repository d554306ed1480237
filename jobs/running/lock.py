"""Who drives a campaign: a lock that the kernel keeps and gives back whatever dies, signed by its holder."""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TextIO

from jobs.errors import CampaignError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobs.layout import CampaignFolder

__all__ = ["Driver", "find_driver", "hold_lock", "last_status", "one_submit", "sign_lock"]


@dataclass(frozen=True)
class Driver:
    """A driver that is at work on a campaign."""

    pid: int
    host: str
    started: float
    """Seconds since the epoch."""
    snakemake: int = 0
    """Process group of its Snakemake; 0 while there is none yet."""
    status: int | None = None
    """Exit status of Snakemake, once it has ended by itself."""


def find_driver(folder: CampaignFolder) -> Driver | None:
    """Return the driver that holds the campaign's lock, if there is one."""
    try:
        handle = folder.lock.open("r+")
    except FileNotFoundError:
        return None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _signature(handle)
        return None


def last_status(folder: CampaignFolder) -> int | None:
    """Return the exit status of the campaign's last driver; None if it was stopped or killed, or there was none."""
    try:
        with folder.lock.open() as handle:
            return _signature(handle).status
    except FileNotFoundError:
        return None


@contextmanager
def one_submit(folder: CampaignFolder) -> Iterator[None]:
    """Wait until nobody else is about to start a driver for the campaign, and keep others from it meanwhile."""
    folder.root.mkdir(parents=True, exist_ok=True)
    with folder.submit_lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def hold_lock(folder: CampaignFolder) -> Iterator[TextIO]:
    """Hold the campaign's lock; processes that inherit the open file hold it too.

    Raises:
        CampaignError: another driver is at work on the campaign.

    """
    folder.root.mkdir(parents=True, exist_ok=True)
    with folder.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{folder.root}: another driver is at work; follow it with `sonicgrid status`"
            raise CampaignError(message) from error
        yield lock


def sign_lock(lock: TextIO, driver: Driver) -> None:
    """Say who holds the lock."""
    lock.truncate(0)
    lock.write(json.dumps(asdict(driver)))
    lock.flush()


def _signature(lock: TextIO) -> Driver:
    try:
        return Driver(**json.loads(lock.read()))
    except (json.JSONDecodeError, TypeError):
        return Driver(pid=-1, host="unknown", started=0.0)
