"""Reads what the campaign's own files say beside the records, at any moment of its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.manifest import read_manifest
from jobs.planning.plan import read_summary
from jobs.results.validate import read_validation
from jobs.running.lock import find_driver
from jobs.running.outcome import read_outcomes
from jobs.states import JobState
from monitoring.attempts import ErrorText
from monitoring.errors import NothingToReport
from monitoring.failures import Fate, meaning_of
from monitoring.numbers import RejectedInput
from monitoring.reporting.campaign_state import CampaignState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobs.layout import CampaignFolder
    from jobs.manifest import Manifest
    from jobs.results.validate import Validation

__all__ = ["collect_state"]


def collect_state(folder: CampaignFolder) -> CampaignState:
    """Read plan, outcomes and verdict; whatever does not exist yet is left out.

    Raises:
        NothingToReport: there is no campaign in the folder, or it was never planned.
        CampaignError: one of the files is damaged.

    """
    if not folder.manifest.is_file():
        what = "is no folder of a campaign" if not folder.root.is_dir() else "has no manifest yet"
        message = f"{folder.root}: {what}; run `sonicgrid submit` with the campaign's spec first"
        raise NothingToReport(message)
    manifest = read_manifest(folder.manifest)
    rejected = read_summary(folder).rejected if folder.plan.is_file() else ()
    validation = _fresh_validation(folder, manifest)
    if validation is None:
        fates = tuple(_failed_outcomes(folder, manifest))
    else:
        fates = tuple(Fate(job.job, job.block, job.exit_class, job.reason) for job in validation.missing)
    return CampaignState(
        campaign=manifest.campaign,
        manifest_digest=manifest.digest,
        jobs_planned=manifest.n_jobs,
        events_planned=manifest.n_events,
        rejected=tuple(
            RejectedInput(input_file=file.path, who=meaning_of("bad_input").who, error=file.reason) for file in rejected
        ),
        validated=validation is not None,
        driven=find_driver(folder) is not None,
        fates=fates,
        contradictions=validation.contradictions if validation else (),
        spec=folder.spec.read_text(encoding="utf-8") if folder.spec.is_file() else "",
        inputs=lambda jobs: _inputs(manifest, jobs),
    )


def _fresh_validation(folder: CampaignFolder, manifest: Manifest) -> Validation | None:
    """Return what `validate` found, unless something has come in since, or a block was taken up again."""
    try:
        made = folder.validation.stat().st_mtime
        for number in range(manifest.n_blocks):
            block = folder.block(number)
            if block.outcome.stat().st_mtime > made:
                return None
            if block.records.is_dir() and block.records.stat().st_mtime > made:
                return None
    except FileNotFoundError:
        return None
    validation = read_validation(folder)
    return validation if validation.digest == manifest.digest else None


def _failed_outcomes(folder: CampaignFolder, manifest: Manifest) -> Iterator[Fate]:
    for number in range(manifest.n_blocks):
        path = folder.block(number).outcome
        if path.is_file():
            for row in read_outcomes(path):
                if row.state == JobState.FAILED:
                    yield Fate(row.job, number, row.exit_class, row.error)


def _inputs(manifest: Manifest, jobs: Sequence[int]) -> dict[int, ErrorText]:
    rows = manifest.table.take(pa.array(jobs, pa.int64())).to_pylist()
    return {row["job"]: ErrorText(row["input_file"], row["entry_start"], row["entry_stop"], "") for row in rows}
