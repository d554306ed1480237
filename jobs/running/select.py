"""Which jobs a person means: by number, block, site, host, exit class and state, all of which must fit."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.exits import ExitClass
from jobs.running.ranges import read_ranges
from jobs.states import DISPLAY_ORDER, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jobs.running.job_now import JobNow

__all__ = ["WITHOUT_A_SAY", "Selection", "explain_nothing", "parse_numbers", "select"]

WITHOUT_A_SAY = ("removed", "killed", "lost", "no_record")
"""Stand where an exit class would, for jobs whose payload had no say in their end."""

_MOST_NAMED = 8
"""Names that an error lists."""


@dataclass(frozen=True)
class Selection:
    """What a person chose; what is empty chooses nothing out.

    Attributes:
        jobs, blocks: numbers.
        sites, hosts: names; a host may be given without its domain.
        exit_classes: of the last attempt, or of the hold.
        states: where the jobs stand.

    Raises:
        UsageError: a state or an exit class is none.

    """

    jobs: frozenset[int] = frozenset()
    blocks: frozenset[int] = frozenset()
    sites: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    exit_classes: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse words that can match no job of any campaign."""
        for option, words, known in (
            ("--exit-class", self.exit_classes, [*map(str, ExitClass), *WITHOUT_A_SAY]),
            ("--state", self.states, [str(state) for state in DISPLAY_ORDER]),
        ):
            for word in sorted(words):
                if word not in known:
                    message = f"{option} {word}: there is no such one{_did_you_mean(word, known)}"
                    raise UsageError(f"{message}; there are: {', '.join(known)}")

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return any((self.jobs, self.blocks, self.sites, self.hosts, self.exit_classes, self.states))

    def fits(self, job: JobNow) -> bool:
        """Return whether a job is meant."""
        return (
            (not self.jobs or job.job in self.jobs)
            and (not self.blocks or job.block in self.blocks)
            and (not self.sites or job.site in self.sites)
            and (not self.hosts or any(_same_host(job.host, host) for host in self.hosts))
            and (not self.exit_classes or job.exit_class in self.exit_classes)
            and (not self.states or job.state in self.states)
        )


def parse_numbers(option: str, texts: Iterable[str]) -> frozenset[int]:
    """Return the numbers in texts such as `7,12-20`.

    Raises:
        UsageError: a text is something else.

    """
    numbers: set[int] = set()
    for text in texts:
        try:
            numbers.update(read_ranges(text.replace(" ", "")))
        except ValueError as error:
            message = f"{option} {text}: write numbers and ranges of them, such as 7,12-20"
            raise UsageError(message) from error
    return frozenset(numbers)


def select(jobs: Iterable[JobNow], selection: Selection, able: Iterable[JobState]) -> list[JobNow]:
    """Return the jobs that are meant and in a state in which the command can do something for them."""
    states = set(able)
    return [job for job in jobs if job.state in states and selection.fits(job)]


def explain_nothing(jobs: Sequence[JobNow], selection: Selection, able: Iterable[JobState], verb: str) -> str:
    """Say why a selection holds no job that a command can act on, and what there is.

    Args:
        jobs: all of the campaign.
        selection: what was chosen.
        able: states that the command acts on.
        verb: what the command does, such as `retry`.

    """
    states = list(able)
    meant = [job for job in jobs if selection.fits(job)]
    if meant:
        counts = Counter(job.state for job in meant)
        found = ", ".join(f"{counts[state]:,} {state}" for state in DISPLAY_ORDER if counts[state])
        return f"none of the selected jobs is {_words(states)}: they are {found}; nothing to {verb}"
    able_jobs = [job for job in jobs if job.state in states]
    lines = []
    for option, chosen, there in (
        ("--job", map(str, sorted(selection.jobs)), None),
        ("--block", map(str, sorted(selection.blocks)), [str(job.block) for job in able_jobs]),
        ("--site", sorted(selection.sites), [job.site for job in able_jobs]),
        ("--host", sorted(selection.hosts), [job.host for job in able_jobs]),
        ("--exit-class", sorted(selection.exit_classes), [job.exit_class for job in able_jobs]),
    ):
        words = list(chosen)
        if words and there is None:
            if not any(job.job in selection.jobs for job in jobs):
                lines.append(f"the campaign has the jobs 0 to {len(jobs) - 1}")
        elif words and there is not None:
            counted = Counter(filter(None, there))
            missing = [word for word in words if not any(_same_host(name, word) for name in counted)]
            if missing:
                most = [f"{name} ({count:,})" for name, count in counted.most_common(_MOST_NAMED)]
                hint = _did_you_mean(missing[0], list(counted))
                lines.append(f"no such job has {option} {missing[0]}{hint}; there are: {', '.join(most) or 'none'}")
    if not lines:
        lines.append(f"{len(able_jobs):,} jobs of the campaign are {_words(states)}")
    return f"the selection fits no job, nothing to {verb}: " + "; ".join(lines)


def _words(states: Sequence[JobState]) -> str:
    return " or ".join(map(str, states))


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean {close[0]}?" if close else ""


def _same_host(name: str, wanted: str) -> bool:
    """Whether a host is meant, by its whole name or by the part before its domain."""
    name, wanted = name.casefold(), wanted.casefold()
    return name == wanted or ("." not in wanted and name.partition(".")[0] == wanted)
