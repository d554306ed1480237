"""Where every job of a campaign stands and how its last attempt ended, from files: what selections choose from."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.manifest import read_manifest
from jobs.record import read_record
from jobs.running.asked import HELD_BY_PERSON, read_asked, reason_of
from jobs.running.follow import BlockFollower
from jobs.running.outcome import failure_class, final_records, read_outcomes
from jobs.running.standing import Standing
from jobs.states import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.manifest import ManifestJob
    from jobs.record import Record
    from jobs.running.asked import Hold

__all__ = ["JobNow", "host_of", "jobs_now"]

_ALIAS = re.compile(r"[?&]alias=([^&>]+)")


@dataclass(frozen=True, slots=True)
class JobNow:
    """One job of the manifest.

    Attributes:
        job, block: its numbers.
        state: where it stands.
        exit_class: how its last attempt ended, or why it is held, as an `ExitClass`; empty if nothing went wrong.
        reason: why it is held or failed, in words.
        site, host: of its last attempt that is known; empty if none is.
        attempts: that were made.
        records: that it has.
        cluster, proc: its newest in HTCondor; -1 if it has none.
        input_file, entry_start, entry_stop: what it reads.
        at: when it came to stand so, seconds since the epoch; 0 if nobody knows.

    """

    job: int
    block: int
    state: JobState
    exit_class: str
    reason: str
    site: str
    host: str
    attempts: int
    records: int
    cluster: int
    proc: int
    input_file: str
    entry_start: int
    entry_stop: int
    at: float

    @property
    def first_line(self) -> str:
        """The reason in one line."""
        return self.reason.partition("\n")[0]

    @property
    def held_by_person(self) -> bool:
        """Whether it waits for a person to release it."""
        return self.state is JobState.HELD and self.reason.startswith((HELD_BY_PERSON, "via condor_hold"))


def jobs_now(folder: CampaignFolder) -> list[JobNow]:
    """Return every job of a planned campaign.

    Raises:
        CampaignError: the manifest, an outcome or an event log cannot be read.

    """
    manifest = read_manifest(folder.manifest)
    found: list[JobNow] = []
    for number in range(manifest.n_blocks):
        found += _of_block(folder.block(number), manifest.block(number), manifest.digest)
    return found


def _of_block(folder: BlockFolder, jobs: tuple[ManifestJob, ...], digest: str) -> list[JobNow]:
    if folder.outcome.exists():
        return _ended(folder, jobs)
    follower = BlockFollower(folder, [job.job for job in jobs])
    follower.poll()
    files = _record_files(folder)
    holds = read_asked(folder).holds
    found = []
    for job in jobs:
        standing = follower.standings[job.job]
        records = () if standing.state is JobState.DONE else _records(files.get(job.job, ()), digest)
        record = final_records(records).get(job.job)
        attempts = max(len(records), standing.starts)
        found.append(_now(job, standing, record, attempts, len(records), holds.get(job.job)))
    return found


def _now(
    job: ManifestJob, standing: Standing, record: Record | None, attempts: int, records: int, hold: Hold | None
) -> JobNow:
    state, exit_class = standing.state, str(record.exit_class) if record else ""
    reason = standing.reason or (record.error if record else "")
    if exit_class == ExitClass.DONE:
        state, exit_class, reason = JobState.DONE, "", ""
    elif state is JobState.FAILED:
        exit_class = failure_class(standing, exit_class)
        reason = reason or f"exit status {standing.exit_code} and no record; see the job's log"
    elif state is JobState.HELD:
        named = standing.reason.partition(":")[0]
        exit_class = named if named in set(ExitClass) else exit_class
    elif hold is not None and state is JobState.PENDING:
        state, reason = JobState.HELD, reason_of(hold)
    return JobNow(
        job=job.job,
        block=job.block,
        state=state,
        exit_class=exit_class,
        reason=reason,
        site=record.site if record else "",
        host=record.host if record else host_of(standing.host),
        attempts=attempts,
        records=records,
        cluster=standing.cluster,
        proc=standing.proc,
        input_file=job.input_file,
        entry_start=job.entry_start,
        entry_stop=job.entry_stop,
        at=standing.since,
    )


def _ended(folder: BlockFolder, jobs: tuple[ManifestJob, ...]) -> list[JobNow]:
    rows = {row.job: row for row in read_outcomes(folder.outcome)}
    files = _record_files(folder) if any(row.state != JobState.DONE for row in rows.values()) else {}
    found = []
    for job in jobs:
        row = rows.get(job.job)
        found.append(
            JobNow(
                job=job.job,
                block=job.block,
                state=JobState(row.state) if row else JobState.PENDING,
                exit_class=row.exit_class if row and row.exit_class != ExitClass.DONE else "",
                reason=row.error if row else "",
                site=row.site if row else "",
                host=host_of(row.host) if row else "",
                attempts=row.attempts if row else 0,
                records=len(files.get(job.job, ())),
                cluster=row.cluster if row else -1,
                proc=row.proc if row else -1,
                input_file=job.input_file,
                entry_start=job.entry_start,
                entry_stop=job.entry_stop,
                at=folder.outcome.stat().st_mtime,
            )
        )
    return found


def host_of(address: str) -> str:
    """Return the name in an address as HTCondor writes it into the log, `<10.0.0.7:9618?alias=worker…>`."""
    alias = _ALIAS.search(address)
    return alias[1] if alias else re.sub(r"^<([^:?>]+).*", r"\1", address)


def _record_files(folder: BlockFolder) -> dict[int, list[Path]]:
    files: dict[int, list[Path]] = defaultdict(list)
    for path in folder.records.glob("*.json"):
        number = path.name.partition(".")[0]
        if number.isdigit():
            files[int(number)].append(path)
    return files


def _records(paths: Iterable[Path], digest: str) -> list[Record]:
    records = []
    for path in paths:
        with suppress(CampaignError):
            record = read_record(path)
            if record.manifest_digest == digest:
                records.append(record)
    return sorted(records, key=lambda record: record.started)
