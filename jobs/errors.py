"""What can go wrong with a campaign, each with the exit status of the command that met it.

    JobsError
    ├── UsageError            the user must change something: a spec, a site config, an option (exit 2)
    │   └── ConfigError           every problem of one or more YAML files at once
    ├── InputError            a file of detector events cannot be used (names file, and entry where there is one)
    │   └── HitsMissing, WiresMissing …   see jobs.reco.errors
    ├── PoolError             HTCondor does not answer, or refuses
    ├── CampaignError         the campaign's own files contradict each other, or it is not in the state asked for
    ├── SetupError            a program that the embedded pool needs cannot be fetched, unpacked or started
    └── PackError             the environment of a job cannot be packed for a worker

Every message says what happened, where, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CampaignError",
    "ConfigError",
    "InputError",
    "JobsError",
    "PackError",
    "PoolError",
    "Problem",
    "SetupError",
    "UsageError",
]


class JobsError(Exception):
    """Base of everything that this package raises."""

    exit_code = 1


class UsageError(JobsError):
    """The request itself is wrong; nothing was started."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file that a person wrote."""

    file: str
    key: str
    """Dotted path of the key, or an empty string for the file as a whole."""
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line: file, key, what, remedy."""
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.what}" + (f" ({self.remedy})" if self.remedy else "")


class ConfigError(UsageError):
    """Every problem that was found in the spec and its sites, at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''}:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class InputError(JobsError):
    """A file of detector events cannot be used."""


class PoolError(JobsError):
    """HTCondor does not answer, or refuses what was asked."""


class CampaignError(JobsError):
    """The campaign's files contradict each other, or it is not in the state that the command needs."""


class SetupError(JobsError):
    """A part of the embedded pool cannot be fetched, unpacked or started."""


class PackError(JobsError):
    """The environment of a job cannot be packed for a worker."""
