"""Validates what came out: every event of the manifest exactly once, every checksum right, nothing else there."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import CampaignError, JobsError
from jobs.exits import ExitClass
from jobs.layout import CampaignFolder
from jobs.manifest import read_manifest
from jobs.planning.plan import RejectedInput, read_summary
from jobs.record import Record, read_record
from jobs.replace_file import replace_file
from jobs.results.check_output import ExpectedOutput, check_output
from jobs.results.meaning import CONTRADICTION, NOT_RUN
from jobs.results.strangers import find_strangers, sweep
from jobs.results.write_missing import write_missing
from jobs.running.outcome import final_records, read_outcomes
from jobs.seal import seal_json, unseal_json
from jobs.spread import silent, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobs.layout import BlockFolder
    from jobs.manifest import Manifest, ManifestJob
    from jobs.planning.plan import PlanSummary
    from jobs.running.outcome import JobOutcome
    from jobs.spread import Progress

__all__ = ["MissingJob", "Validation", "main", "read_validation", "validate"]


class MissingJob(BaseModel):
    """A job of the manifest without a valid output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: int = Field(description="Number of the job in the manifest")
    block: int = Field(description="Number of its block")
    input_file: str = Field(description="Path or URL of its input file")
    entry_start: int = Field(description="Its first entry")
    entry_stop: int = Field(description="One past its last entry")
    exit_class: str = Field(description=f"How its last attempt ended, or `{NOT_RUN}`, or `{CONTRADICTION}`")
    reason: str = Field(description="The error of its last attempt, or what contradicts what")
    attempts: int = Field(description="Attempts that left a record")


class Validation(BaseModel):
    """What `validate` found: `validation.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = Field(1, description="Version of this format")
    campaign: str = Field(description="Name of the campaign")
    digest: str = Field(description="Digest of its manifest")
    complete: bool = Field(description="Whether every event of every input came out, and nothing else")
    jobs: int = Field(description="Jobs of the manifest")
    events_planned: int = Field(description="Events of the manifest")
    events: int = Field(description="Events in valid outputs")
    hits: int = Field(description="Hits in valid outputs")
    failed: dict[str, int] = Field(description="Missing jobs by exit class")
    missing: tuple[MissingJob, ...] = Field(description="Jobs without a valid output")
    repeated: tuple[int, ...] = Field(description="Jobs that succeeded more than once; one output of each counts")
    contradictions: tuple[str, ...] = Field(description="Files that contradict each other, with what to do")
    leftovers: tuple[str, ...] = Field(description="Partial outputs of attempts that were killed; now removed")
    rejected: tuple[RejectedInput, ...] = Field(description="Input files that could not be used, from the plan")


@dataclass
class _Findings:
    """What is gathered on the way."""

    missing: list[MissingJob] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    done: list[tuple[ManifestJob, Record, int]] = field(default_factory=list)
    others: dict[int, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    """By job that succeeded more than once, bytes and SHA-256 that any of the attempts wrote."""
    events: int = 0
    hits: int = 0

    def lack(self, job: ManifestJob, exit_class: str, reason: str, attempts: int) -> None:
        """Note a job without a valid output."""
        self.missing.append(
            MissingJob(
                job=job.job,
                block=job.block,
                input_file=job.input_file,
                entry_start=job.entry_start,
                entry_stop=job.entry_stop,
                exit_class=exit_class,
                reason=reason,
                attempts=attempts,
            )
        )

    def contradict(self, job: ManifestJob, what: str, attempts: int) -> None:
        """Note a job whose files contradict each other."""
        self.contradictions.append(f"job {job.job}: {what}")
        self.lack(job, CONTRADICTION, what, attempts)


def validate(folder: CampaignFolder, progress: Progress = silent) -> Validation:
    """Check every job of the manifest and every file among the outputs; change nothing.

    Args:
        folder: of the campaign.
        progress: called with the number of outputs checked and of all.

    Raises:
        CampaignError: the campaign is not planned, or its plan cannot be read.

    """
    manifest, summary = read_manifest(folder.manifest), read_summary(folder)
    if manifest.digest != summary.digest:
        message = f"{folder.plan} and {folder.manifest} are of different plans; plan again with `sonicgrid submit`"
        raise CampaignError(message)
    findings = _Findings()
    for number in range(manifest.n_blocks):
        _check_records(folder.block(number), manifest, number, findings)
    _check_outputs(folder, summary, findings, progress)
    strangers, leftovers = find_strangers(folder, summary, manifest)
    findings.contradictions += strangers
    missing = tuple(sorted(findings.missing, key=lambda job: job.job))
    return Validation(
        campaign=manifest.campaign,
        digest=manifest.digest,
        complete=not (missing or findings.contradictions or summary.rejected),
        jobs=manifest.n_jobs,
        events_planned=manifest.n_events,
        events=findings.events,
        hits=findings.hits,
        failed=dict(sorted(Counter(job.exit_class for job in missing).items())),
        missing=missing,
        repeated=tuple(sorted(findings.repeated)),
        contradictions=tuple(findings.contradictions),
        leftovers=leftovers,
        rejected=summary.rejected,
    )


def read_validation(folder: CampaignFolder) -> Validation:
    """Read `validation.json`.

    Raises:
        CampaignError: it is missing or not one of ours.

    """
    try:
        return Validation.model_validate_json(unseal_json(folder.validation.read_bytes()))
    except (OSError, ValueError) as error:
        message = f"{folder.validation}: not a readable validation; run `sonicgrid submit` to have it made: {error}"
        raise CampaignError(message) from error


def _check_records(folder: BlockFolder, manifest: Manifest, number: int, findings: _Findings) -> None:
    """Find the record that counts for every job of a block."""
    jobs = {job.job: job for job in manifest.block(number)}
    # Records of another plan say nothing about this work.
    ours = [record for record in _read_records(folder, findings) if record.manifest_digest == manifest.digest]
    records = [record for record in ours if record.job in jobs]
    for stranger in sorted({record.job for record in ours} - set(jobs)):
        findings.contradictions.append(f"{folder.records}: has a record of job {stranger}, which is not in this block")
    attempts = Counter(record.job for record in records)
    successes: dict[int, list[Record]] = {}
    for one in records:
        if one.exit_class is ExitClass.DONE:
            successes.setdefault(one.job, []).append(one)
    for number, several in successes.items():
        if len(several) > 1:
            findings.repeated.append(number)
            findings.others[number] = tuple((one.output_bytes, one.output_sha256) for one in several)
    final = final_records(sorted(records, key=lambda record: record.started))
    outcomes = {row.job: row for row in _read_outcomes(folder)}
    for job in jobs.values():
        record, outcome = final.get(job.job), outcomes.get(job.job)
        if record is not None and (record.entry_start, record.entry_stop) != (job.entry_start, job.entry_stop):
            said = f"its record has entries {record.entry_start} to {record.entry_stop}"
            planned = f"the manifest {job.entry_start} to {job.entry_stop}"
            findings.contradict(job, f"{said}, {planned} (end exclusive)", attempts[job.job])
        elif record is not None and record.exit_class is ExitClass.DONE:
            findings.done.append((job, record, attempts[job.job]))
        elif outcome is not None and outcome.exit_class != ExitClass.DONE:
            findings.lack(job, outcome.exit_class, outcome.error, max(outcome.attempts, attempts[job.job]))
        elif record is not None:
            findings.lack(job, record.exit_class, record.error, attempts[job.job])
        else:
            findings.lack(job, NOT_RUN, "no record of an attempt is there", 0)


def _read_records(folder: BlockFolder, findings: _Findings) -> Iterator[Record]:
    for path in sorted(folder.records.glob("*.json")):
        try:
            yield read_record(path)
        except CampaignError as error:
            findings.contradictions.append(f"{error}; `sonicgrid submit` sets it aside and runs its job again")


def _read_outcomes(folder: BlockFolder) -> Sequence[JobOutcome]:
    """Return what the outcome says; it only gives reasons, so without a readable one the records speak alone."""
    try:
        return read_outcomes(folder.outcome) if folder.outcome.is_file() else ()
    except CampaignError:
        return ()


def _check_outputs(folder: CampaignFolder, summary: PlanSummary, findings: _Findings, progress: Progress) -> None:
    """Open the output of every job that says it is done."""
    expected = [
        ExpectedOutput(
            summary.output(folder, job.output_file),
            record.output_bytes,
            record.output_sha256,
            job.entry_start,
            job.entry_stop,
            findings.others.get(job.job, ()),
        )
        for job, record, _ in findings.done
    ]
    checks = spread(check_output, expected)
    for count, ((job, record, attempts), check) in enumerate(zip(findings.done, checks, strict=True), start=1):
        if check.gone:
            findings.lack(job, NOT_RUN, check.problem, attempts)
        elif check.unread:
            findings.contradict(job, f"{check.problem}; then run `sonicgrid submit` again", attempts)
        elif check.problem:
            findings.contradict(job, f"{check.problem}; `sonicgrid submit` runs the job again", attempts)
        elif record.input_uuid != job.input_uuid:
            what = f"{job.input_file} had UUID {record.input_uuid} when it was read, {job.input_uuid} when planned"
            findings.contradict(job, f"{what}: the input was replaced; plan a campaign of another name", attempts)
        else:
            findings.events += job.events
            findings.hits += check.hits
        progress(count, len(expected))


def main(arguments: Sequence[str] | None = None) -> int:
    """Validate and write `validation.json`; exit 0 whatever was found: merge and report go on, the verdict judges."""
    parser = argparse.ArgumentParser(prog="python -m jobs.results.validate", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    folder = CampaignFolder(parser.parse_args(arguments).folder)
    try:
        found = validate(folder)
        write_missing(folder, found)
        replace_file(folder.validation, seal_json(found.model_dump_json(indent=2).encode()))
        sweep(found.leftovers)
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    for contradiction in found.contradictions[:20]:
        sys.stderr.write(f"contradiction: {contradiction}\n")
    sys.stdout.write(
        f"{found.jobs - len(found.missing)} of {found.jobs} jobs, {found.events} events, {found.hits} hits\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
