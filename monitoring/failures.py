"""What did not work, sorted by who must act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.exits import ExitClass
from jobs.results.meaning import first_line, meaning_of
from monitoring.attempts import ErrorText
from monitoring.numbers import FailedJob, FailureKind, Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitoring.attempts import Attempts

__all__ = ["Fate", "failed_jobs", "failure_kinds", "first_line", "meaning_of", "retries"]


@dataclass(frozen=True)
class Fate:
    """How a job failed in the end."""

    job: int
    block: int
    exit_class: str
    reason: str


def failed_jobs(
    attempts: Attempts, fates: Iterable[Fate], inputs: Callable[[Sequence[int]], dict[int, ErrorText]]
) -> tuple[FailedJob, ...]:
    """Describe the jobs that failed in the end, ordered by job.

    Args:
        attempts: every attempt.
        fates: how they failed.
        inputs: looks up the file and entries of jobs in the manifest, for those that left no record.

    """
    fates = sorted(fates, key=lambda fate: fate.job)
    last = attempts.one_per_job()
    counts = dict(zip(*(column.tolist() for column in np.unique(attempts.job, return_counts=True)), strict=True))
    places = np.searchsorted(last.job, [fate.job for fate in fates])
    known = [place < len(last) and int(last.job[place]) == fate.job for place, fate in zip(places, fates, strict=True)]
    unknown = inputs([fate.job for fate, has_record in zip(fates, known, strict=True) if not has_record])
    rows = []
    for fate, row, has_record in zip(fates, places.tolist(), known, strict=True):
        said = unknown.get(fate.job, ErrorText("", 0, 0, ""))
        if has_record:
            said = last.errors.get((fate.job, int(last.cluster[row]), int(last.attempt[row])), said)
        rows.append(
            FailedJob(
                job=fate.job,
                block=fate.block,
                attempts=counts.get(fate.job, 0),
                exit_class=fate.exit_class,
                who=meaning_of(fate.exit_class).who,
                error=first_line(fate.reason) or first_line(said.error),
                input_file=said.input_file,
                entry_start=said.entry_start,
                entry_stop=said.entry_stop,
                site=last.site.labels[last.site.codes[row]] if has_record else "",
                host=last.host.labels[last.host.codes[row]] if has_record else "",
            )
        )
    return tuple(rows)


def failure_kinds(attempts: Attempts, failed: Iterable[FailedJob]) -> tuple[FailureKind, ...]:
    """Count attempts and jobs that failed, by exit class, most jobs first."""
    counts: dict[str, list[int]] = {}
    for exit_class in attempts.exit_class.present():
        if exit_class != ExitClass.DONE:
            counts[exit_class] = [int(attempts.exit_class.equals(exit_class).sum()), 0]
    for job in failed:
        counts.setdefault(job.exit_class, [0, 0])[1] += 1
    kinds = []
    for exit_class, (tries, jobs) in counts.items():
        row = meaning_of(exit_class)
        kinds.append(
            FailureKind(
                exit_class=exit_class,
                code=row.code,
                who=row.who,
                meaning=row.meaning,
                attempts=max(tries, jobs),
                jobs_failed=jobs,
            )
        )
    return tuple(sorted(kinds, key=lambda kind: (-kind.jobs_failed, -kind.attempts, kind.exit_class)))


def retries(attempts: Attempts) -> Retries:
    """Sum up the attempts beyond one per job: those that failed before, and successes of a job that had succeeded."""
    _, counts = np.unique(attempts.job, return_counts=True)
    succeeded = attempts.where(attempts.done).one_per_job()
    others = attempts.where(~np.isin(attempts.job, succeeded.job)).one_per_job()
    kept_s = float(succeeded.wall_s.sum()) + float(others.wall_s.sum())
    return Retries(
        attempts=int((counts - 1).sum()),
        jobs=int((counts > 1).sum()),
        wall_hours=max(float(attempts.wall_s.sum()) - kept_s, 0.0) / 3600,
        requests=int(attempts.requests.sum()),
        requests_repeated=int(attempts.retries.sum()),
    )
