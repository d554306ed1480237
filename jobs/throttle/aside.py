"""Hosts and sites that fail whatever they get are set aside for a while: the rule, without any clock, pool or file.

A worker that lacks a library or a mount ends a job within seconds and is free for the next: one such black hole can
eat a campaign. It is known by its attempts: the last few, of several jobs, all failed in a way that another worker may
mend, while others work. Each time it is set aside twice as long, then one job tries it, and what it does there decides.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.exits import EXITS, ExitClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "FEWEST_ATTEMPTS",
    "FEWEST_JOBS",
    "FIRST_ASIDE_S",
    "LONGEST_ASIDE_S",
    "Aside",
    "Kind",
    "Ledger",
    "blames_the_worker",
]

Kind = Literal["host", "site"]

FEWEST_ATTEMPTS = 3
"""Attempts in a row that fail on a host before it is set aside: one may be chance, and each costs a job a retry."""

FEWEST_JOBS = 2
"""Different jobs among them: one job that fails everywhere says nothing about the host."""

SITE_ATTEMPTS = 10
SITE_HOSTS = 3
"""Attempts in a row, and hosts among them, that fail at a site before it is: fewer hosts are set aside each."""

RECENT_S = 6 * 3600.0
"""Another host, or site, counts as one that works for so long after its last sign of work: jobs may run for hours."""

FIRST_ASIDE_S = 1800.0
LONGEST_ASIDE_S = 86400.0
"""For how long something is set aside the first time, and at most; twice as long each time. A person who mends it can
say so at once."""

_BLAMED = {
    ExitClass.WORKER,
    ExitClass.CREDENTIALS,
    ExitClass.MESSAGE_DAMAGED,
    # A mount or a scratch disk that one worker lacks looks like this; where storage is away, no host works.
    ExitClass.INPUT_AWAY,
    ExitClass.OUTPUT,
}
_KNOWN = {row.code for row in EXITS.values()}
_BLAMED_CODES = {EXITS[exit_class].code for exit_class in _BLAMED}


def blames_the_worker(exit_code: int, *, has_record: bool) -> bool:
    """Return whether an attempt failed in a way that another worker may mend.

    Args:
        exit_code: exit status; negative for a job that a signal ended.
        has_record: whether the payload came so far as to write a record: an unforeseen error is the worker's only if
            it did not.

    """
    if exit_code == EXITS[ExitClass.BUG].code:
        return not has_record
    return exit_code in _BLAMED_CODES or exit_code not in _KNOWN


class Aside(BaseModel):
    """A host or a site that gets no jobs for now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(description="host or site")
    name: str = Field(description="Name of the machine, or of the site config")
    site: str = Field("", description="Site of the host, if that is known")
    reason: str = Field(description="Why, in words")
    since: float = Field(description="When it was set aside first, seconds since the epoch")
    until: float = Field(description="When one job tries it again")
    times: int = Field(1, description="How often in a row it was set aside")
    trial: str = Field("", description="Id in the queue of the job that tries it; empty if none does")

    @property
    def key(self) -> tuple[Kind, str]:
        """What it is."""
        return self.kind, self.name


@dataclass
class _Place:
    """The last attempts of a host or a site."""

    failed: deque[tuple[float, int, str]] = field(default_factory=lambda: deque(maxlen=SITE_ATTEMPTS))
    """Since the last sign of work: when, which job, which host."""
    words: str = ""
    worked_at: float = float("-inf")
    site: str = ""


class Ledger:
    """What attempts say of hosts and sites, and which are set aside.

    Args:
        asides: known from before.

    """

    def __init__(self, asides: Iterable[Aside] = ()) -> None:
        self._places: dict[tuple[Kind, str], _Place] = {}
        self._forgiven: dict[str, float] = {}
        self._asides = {one.key: one for one in asides}

    @property
    def asides(self) -> Mapping[tuple[Kind, str], Aside]:
        """What is set aside now."""
        return self._asides

    def worked(self, host: str, site: str, at: float) -> None:
        """Take an attempt that succeeded. Ends a trial well."""
        self.alive(host, site, at)
        for kind, name in _named(host, site):
            self._places[kind, name].failed.clear()
            aside = self._asides.get((kind, name))
            # A job that was there all the time says nothing about what a new one would meet, except when it tries.
            if aside is not None and at > aside.until:
                del self._asides[kind, name]

    def alive(self, host: str, site: str, at: float) -> None:
        """Take a sign that jobs get somewhere: others are held against it. How they end is another matter."""
        for key in _named(host, site):
            place = self._places.setdefault(key, _Place())
            place.site = site or place.site
            place.worked_at = max(place.worked_at, at)

    def failed(self, host: str, site: str, job: int, at: float, words: str) -> None:
        """Take an attempt that failed in a way that another worker may mend."""
        for kind, name in _named(host, site):
            place = self._places.setdefault((kind, name), _Place())
            place.site = site or place.site
            if at > self._forgiven.get(name, float("-inf")):
                place.failed.append((at, job, host))
                place.words = words

    def decide(self, now: float) -> list[str]:
        """Set aside what fails everything; returns a line for each that is from now on, or once more."""
        news = []
        for (kind, name), place in self._places.items():
            aside = self._asides.get((kind, name))
            if aside is not None:
                if any(at > aside.until for at, _, _ in place.failed):
                    news.append(self._once_more(aside, place, now))
            elif self._fails_everything(kind, name, place, now):
                reason = _reason(kind, place)
                made = Aside(kind=kind, name=name, site=place.site, reason=reason, since=now, until=now + FIRST_ASIDE_S)
                self._asides[made.key] = made
                news.append(f"{kind} {name} set aside for {_duration(FIRST_ASIDE_S)}: {reason}")
        return news

    def due(self, now: float) -> list[Aside]:
        """Return what a job may try now."""
        return [one for one in self._asides.values() if now >= one.until]

    def trying(self, aside: Aside, job: str) -> None:
        """Remember which job tries something."""
        self._asides[aside.key] = aside.model_copy(update={"trial": job})

    def readmit(self, name: str, asked_at: float) -> list[str]:
        """Let jobs go somewhere again because a person says so; returns a line for each host or site of that name."""
        found = [key for key, one in self._asides.items() if key[1] == name and one.since <= asked_at]
        for key in found:
            del self._asides[key]
        self._forgiven[name] = asked_at
        for place in (one for (_, its), one in self._places.items() if its == name):
            place.failed.clear()
        return [f"{kind} {name} readmitted by a person" for kind, name in found]

    def working_hosts(self, now: float) -> list[str]:
        """Return the hosts that work and are not set aside."""
        return [
            name
            for (kind, name), one in self._places.items()
            if kind == "host" and now - one.worked_at < RECENT_S and (kind, name) not in self._asides
        ]

    def _fails_everything(self, kind: Kind, name: str, place: _Place, now: float) -> bool:
        if not place.failed or now - place.failed[-1][0] > RECENT_S:
            return False
        if kind == "site":
            hosts = {host for _, _, host in place.failed}
            return len(place.failed) >= SITE_ATTEMPTS and len(hosts) >= SITE_HOSTS
        enough = len(place.failed) >= FEWEST_ATTEMPTS and len({job for _, job, _ in place.failed}) >= FEWEST_JOBS
        # Where nothing works anywhere, it is not the host.
        return enough and any(
            other == "host" and its != name and now - one.worked_at < RECENT_S
            for (other, its), one in self._places.items()
        )

    def _once_more(self, aside: Aside, place: _Place, now: float) -> str:
        length_s = min(LONGEST_ASIDE_S, FIRST_ASIDE_S * 2.0**aside.times)
        reason = _reason(aside.kind, place)
        self._asides[aside.key] = aside.model_copy(
            update={"until": now + length_s, "times": aside.times + 1, "trial": "", "reason": reason}
        )
        return f"{aside.kind} {aside.name} set aside again for {_duration(length_s)}: a job that tried it failed"


def _named(host: str, site: str) -> list[tuple[Kind, str]]:
    places: list[tuple[Kind, str]] = []
    if host:
        places.append(("host", host))
    if site:
        places.append(("site", site))
    return places


def _reason(kind: Kind, place: _Place) -> str:
    jobs = len({job for _, job, _ in place.failed})
    hosts = len({host for _, _, host in place.failed})
    where = f" on {hosts} hosts" if kind == "site" else ""
    return f"its last {len(place.failed)} attempts failed, of {jobs} jobs{where}; the newest: {place.words}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:g} h"
