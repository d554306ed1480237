"""Takes damaged files of a campaign out of the way before it goes on: each is made again by the step that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.block import read_block
from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.manifest import read_manifest
from jobs.planning.plan import read_summary
from jobs.planning.write_blocks import write_blocks
from jobs.pool.endpoint import embedded_endpoint
from jobs.record import damaged_records, read_records
from jobs.results.check_output import ExpectedOutput, check_output
from jobs.results.meaning import CONTRADICTION
from jobs.results.merge import read_index
from jobs.results.validate import read_validation
from jobs.running.outcome import final_records, read_outcomes
from jobs.set_aside import set_aside
from jobs.spec.campaign import load_campaign
from jobs.spec.site import site_access
from jobs.throttle.in_force import grid_in_force
from jobs.throttle.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.manifest import Manifest

__all__ = ["mend_results"]


def mend_results(folder: CampaignFolder) -> list[str]:
    """Set aside whatever is damaged of a planned campaign's records, outputs and what was made of them.

    A job whose record or output is set aside runs again; nothing else does.

    Returns:
        What was done, one line each.

    Raises:
        CampaignError: the manifest cannot be read, or a file cannot be moved.

    """
    if not folder.manifest.exists():
        return []
    manifest = read_manifest(folder.manifest)
    said = _mend_outputs(folder, manifest)
    for number in range(manifest.n_blocks):
        block = folder.block(number)
        for path, why in damaged_records(block.records).items():
            set_aside(folder, path)
            said.append(f"{why}; it is set aside, and its job runs again unless another attempt did it")
        said += _try(folder, block.outcome, lambda block=block: read_outcomes(block.outcome))  # type: ignore[misc]
        said += _mend_description(folder, manifest, number, block)
    said += _try(folder, folder.throttle, lambda: read_state(folder))
    said += _try(folder, folder.validation, lambda: read_validation(folder))
    said += _try(folder, folder.merged_index, lambda: read_index(folder))
    if not folder.validation.exists():
        folder.complete.unlink(missing_ok=True)
    return said


def _try(folder: CampaignFolder, path: Path, read: Callable[[], object]) -> list[str]:
    """Set a file aside that cannot be read."""
    if not path.exists():
        return []
    try:
        read()
    except CampaignError:
        set_aside(folder, path)
        return [f"{path} was damaged; it is set aside, and made anew"]
    return []


def _mend_description(folder: CampaignFolder, manifest: Manifest, number: int, block: BlockFolder) -> list[str]:
    """Write a block's description anew, which running jobs read when they start."""
    said = _try(folder, block.description, lambda: read_block(block.description))
    grid = grid_in_force(folder)
    if said and grid is not None:
        access = {name: site_access(site, embedded_endpoint) for name, site in grid.sites.items()}
        write_blocks(manifest, load_campaign(folder.spec), access, folder, [number])
    return said


def _mend_outputs(folder: CampaignFolder, manifest: Manifest) -> list[str]:
    """Set aside the outputs that `validate` found to be other than their records say, and that are so still."""
    try:
        missing = read_validation(folder).missing if folder.validation.exists() else ()
    except CampaignError:
        return []
    said = []
    summary = read_summary(folder) if missing else None
    for lack in missing:
        if summary is None or lack.exit_class != CONTRADICTION:
            continue
        block = folder.block(lack.block)
        records = [one for one in read_records(block.records) if one.job == lack.job]
        record = final_records(records).get(lack.job)
        if record is None:
            continue
        (planned,) = (job for job in manifest.block(lack.block) if job.job == lack.job)
        others = tuple((one.output_bytes, one.output_sha256) for one in records if one.exit_class is ExitClass.DONE)
        found = check_output(
            ExpectedOutput(
                summary.output(folder, planned.output_file),
                record.output_bytes,
                record.output_sha256,
                planned.entry_start,
                planned.entry_stop,
                others,
            )
        )
        if not found.problem or found.gone or found.unread:
            continue
        if not summary.staged_under:
            set_aside(folder, folder.root / planned.output_file)
            said.append(f"{found.problem}; it is set aside, and its job runs again")
            continue
        # Not all storages let a file be moved to a folder of its own; the job puts the new output in its place.
        for one in records:
            set_aside(folder, block.record(one.job, one.cluster, one.attempt))
        said.append(f"{found.problem}; its records are set aside, and its job runs again and replaces it")
    return said
