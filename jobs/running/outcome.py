"""How the jobs of a block ended: one row per job, the proof that the block is through."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.errors import CampaignError
from jobs.exits import EXITS, ExitClass, exit_class_of
from jobs.manifest import read_manifest
from jobs.record import Record, damaged_records, read_records
from jobs.replace_file import replace_file
from jobs.sealed_table import pack_table, unpack_table
from jobs.states import FINAL, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.running.standing import Standing

__all__ = ["JobOutcome", "failure_class", "final_records", "judge", "outcome_files", "read_outcomes", "write_outcomes"]


@dataclass(frozen=True)
class JobOutcome:
    """The end of one job, from its last record and from HTCondor's event log."""

    job: int
    state: str
    """A `JobState`: done or failed."""
    exit_class: str
    """An `ExitClass`, or `removed`, `killed` or `lost` where the payload had no say."""
    attempts: int
    cluster: int
    proc: int
    host: str
    site: str
    events: int
    hits: int
    seconds: float
    """Wall seconds of the last attempt."""
    error: str


def final_records(records: Iterable[Record]) -> dict[int, Record]:
    """Return the record that counts for each job: the newest success, else the newest attempt.

    Args:
        records: the records of one block, oldest first.

    """
    last: dict[int, Record] = {}
    for record in records:
        kept = last.get(record.job)
        if kept is None or record.exit_class is ExitClass.DONE or kept.exit_class is not ExitClass.DONE:
            last[record.job] = record
    return last


def judge(folder: BlockFolder, standings: Mapping[int, Standing]) -> list[JobOutcome]:
    """Return one outcome per job; a job whose record says done is done whatever the event log missed."""
    records = read_records(folder.records)
    attempts: dict[int, int] = {}
    for record in records:
        attempts[record.job] = attempts.get(record.job, 0) + 1
    final = final_records(records)
    broken = {
        int(name): why for path, why in damaged_records(folder.records).items() if (name := path.name[:7]).isdigit()
    }
    return [
        _outcome(job, standing, final.get(job), attempts.get(job, 0), broken.get(job, ""))
        for job, standing in sorted(standings.items())
    ]


def _outcome(job: int, standing: Standing, record: Record | None, attempts: int, broken: str) -> JobOutcome:
    if record is not None and record.exit_class is ExitClass.DONE:
        exit_class, state, error = str(ExitClass.DONE), JobState.DONE, ""
    else:
        exit_class = failure_class(standing, str(record.exit_class) if record else "")
        state, error = JobState.FAILED, broken or _reason(standing, record)
    return JobOutcome(
        job=job,
        state=str(state),
        exit_class=exit_class,
        attempts=max(attempts, standing.starts),
        cluster=standing.cluster,
        proc=standing.proc,
        host=record.host if record else standing.host,
        site=record.site if record else "",
        events=record.events if record else 0,
        hits=record.hits if record else 0,
        seconds=record.ended - record.started if record else 0.0,
        error=error,
    )


def failure_class(standing: Standing, recorded: str) -> str:
    """Return how a job failed: an `ExitClass`, or `removed`, `killed`, `lost` or `no_record`.

    Args:
        standing: what the event log says of it.
        recorded: exit class of the record that counts; empty if it left none.

    """
    if standing.state is JobState.FAILED and standing.exit_code < 0:
        return "killed" if standing.reason.startswith("killed") else "removed"
    if recorded:
        return recorded
    if standing.state not in FINAL:
        return "lost"
    if standing.exit_code == EXITS[ExitClass.DONE].code:
        return "no_record"
    return str(exit_class_of(standing.exit_code))


def _reason(standing: Standing, record: Record | None) -> str:
    if standing.reason:
        return standing.reason
    if record is not None:
        return record.error
    if standing.state not in FINAL:
        return "HTCondor lost it again and again: its clusters left the queue without its end; see events.log"
    return f"exit status {standing.exit_code} and no record; see the job's log"


def outcome_files(folder: CampaignFolder, manifest: str) -> list[Path]:
    """Return the outcome file of every block of a manifest, whether it is there yet or not.

    Raises:
        CampaignError: the manifest cannot be read.

    """
    return [folder.block(number).outcome for number in range(read_manifest(Path(manifest)).n_blocks)]


def write_outcomes(path: Path, outcomes: Iterable[JobOutcome]) -> None:
    """Write the rows as parquet, complete or not at all."""
    table = pa.Table.from_pylist([asdict(outcome) for outcome in outcomes], schema=_SCHEMA)
    replace_file(path, pack_table(table, {"sonicgrid.version": "1"}, "snappy"))


def read_outcomes(path: Path) -> list[JobOutcome]:
    """Read the rows.

    Raises:
        CampaignError: the file is not a table of outcomes.

    """
    try:
        return [JobOutcome(**row) for row in unpack_table(path, _SCHEMA)[0].to_pylist()]
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        message = f"{path}: not a readable table of outcomes; `sonicgrid submit` makes it anew: {error}"
        raise CampaignError(message) from error


_ARROW = {"int": pa.int64(), "str": pa.string(), "float": pa.float64()}
_SCHEMA = pa.schema([(field.name, _ARROW[str(field.type)]) for field in fields(JobOutcome)])
