"""Merges the valid outputs of a campaign into ROOT files of a useful size, in the order of the manifest."""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import CampaignError, JobsError
from jobs.layout import CampaignFolder
from jobs.manifest import read_manifest
from jobs.planning.plan import read_summary
from jobs.replace_file import replace_file
from jobs.results.validate import read_validation
from jobs.results.write_merged import Part, write_merged
from jobs.seal import seal_json, unseal_json
from jobs.spec.campaign import load_campaign
from jobs.spread import silent, spread
from jobs.storage.errors import StorageRefused
from jobs.storage.outlook import Outlook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobs.manifest import ManifestJob
    from jobs.spread import Progress

__all__ = ["MergedFile", "MergedIndex", "MergedJob", "main", "merge", "read_index"]


_PROCESSES_FROM_BYTES = 50_000_000
"""Bytes of outputs from which on new processes pay for the second that each needs to start."""


_EMPTY_OUTPUT_BYTES = 35_000
"""Size of an output with next to no hits: headers and ROOT's descriptions, of which a merged file has one set."""


class MergedFile(BaseModel):
    """One merged file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(description="Its name, in the folder of the index")
    bytes: int = Field(description="Its size")
    sha256: str = Field(description="Its SHA-256, hex")
    events: int = Field(description="Entries of its tree `scores`")
    hits: int = Field(description="Hits in them")


class MergedJob(BaseModel):
    """Where the events of one job are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: int = Field(description="Number of the job in the manifest")
    input_file: str = Field(description="Path or URL of its input file")
    file: str = Field(description="Merged file that holds its events")
    entry_start: int = Field(description="First entry of its events in the merged file")
    entry_stop: int = Field(description="One past the last")


class MergedIndex(BaseModel):
    """What is in the merged files: `merged/index.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = Field(1, description="Version of this format")
    campaign: str = Field(description="Name of the campaign")
    digest: str = Field(description="Digest of its manifest")
    complete: bool = Field(description="Whether every event of the campaign is in the merged files")
    sources: str = Field(description="Digest over the outputs that were merged and the size asked for")
    files: tuple[MergedFile, ...] = Field(description="The merged files, in order")
    jobs: tuple[MergedJob, ...] = Field(description="The jobs, in order")


@dataclass(frozen=True)
class _Output:
    """A valid output."""

    job: ManifestJob
    path: str
    bytes: int
    changed: int


def merge(folder: CampaignFolder, progress: Progress = silent) -> MergedIndex:
    """Merge what `validate` found valid; where that was done already, do nothing.

    A file is closed before the output that would take it over the campaign's `merged_file`, by the outputs' own sizes.

    Args:
        folder: of the campaign, validated.
        progress: called with the number of merged files written and of all.

    Raises:
        CampaignError: the campaign is not validated, an output changed since, or the disk is full; the files of an
            earlier merge stay.

    """
    manifest, validation = read_manifest(folder.manifest), read_validation(folder)
    if manifest.digest != validation.digest:
        message = f"{folder.validation} is of another plan than {folder.manifest}; run `sonicgrid submit` again"
        raise CampaignError(message)
    limit = round(load_campaign(folder.spec).output.merged_file_mb * 1_000_000)
    missing = {job.job for job in validation.missing}
    summary, outlook = read_summary(folder), Outlook()
    valid = (job for job in manifest.jobs() if job.job not in missing)
    outputs = [_look_at(job, summary.output(folder, job.output_file), outlook) for job in valid]
    sources = _digest(outputs, limit)
    done = _find_done(folder, sources)
    if done is not None and done.complete == validation.complete:
        return done
    groups = list(_group(outputs, limit))
    names = [f"{manifest.campaign}-{number:04d}.root" for number in range(1, len(groups) + 1)]
    parts = [
        Part(str(folder.merged / name), tuple((output.path, output.job.events) for output in group))
        for name, group in zip(names, groups, strict=True)
    ]
    files: list[MergedFile] = []
    rows: list[MergedJob] = []
    large = sum(output.bytes for output in outputs) > _PROCESSES_FROM_BYTES
    done_parts = spread(write_merged, parts, processes_from=2 if large else len(parts) + 1, threads=1)
    for name, group, written in zip(names, groups, done_parts, strict=True):
        files.append(
            MergedFile(file=name, bytes=written.bytes, sha256=written.sha256, events=written.events, hits=written.hits)
        )
        rows += _locate(name, group)
        progress(len(files), len(groups))
    index = MergedIndex(
        campaign=manifest.campaign,
        digest=manifest.digest,
        complete=validation.complete,
        sources=sources,
        files=tuple(files),
        jobs=tuple(rows),
    )
    replace_file(folder.merged_index, seal_json(index.model_dump_json(indent=1).encode()))
    for stale in set(folder.merged.glob(f"{manifest.campaign}-[0-9][0-9][0-9][0-9].root")):
        if stale.name not in names:
            stale.unlink()
    return index


def read_index(folder: CampaignFolder) -> MergedIndex:
    """Read the index of the merged files.

    Raises:
        CampaignError: it is missing or not one of ours.

    """
    try:
        return MergedIndex.model_validate_json(unseal_json(folder.merged_index.read_bytes()))
    except (OSError, ValueError) as error:
        message = f"{folder.merged_index}: not a readable index; run `sonicgrid submit` to have it made: {error}"
        raise CampaignError(message) from error


def _look_at(job: ManifestJob, path: str, outlook: Outlook) -> _Output:
    try:
        found = outlook.find(path)
    except StorageRefused as error:
        raise CampaignError(f"{error}; then run `sonicgrid submit` again") from error
    if found is None:
        message = f"{path}: is gone, though it was there when validated; run `sonicgrid submit` again"
        raise CampaignError(message)
    return _Output(job, path, found.bytes, found.changed)


def _digest(outputs: Sequence[_Output], limit: int) -> str:
    digest = hashlib.sha256(str(limit).encode())
    for output in outputs:
        digest.update(f"\n{output.job.job} {output.bytes} {output.changed}".encode())
    return digest.hexdigest()


def _find_done(folder: CampaignFolder, sources: str) -> MergedIndex | None:
    """Return the index of an earlier merge of the same outputs whose files are all there."""
    try:
        index = read_index(folder)
    except CampaignError:
        return None
    paths = {file.file: folder.merged / file.file for file in index.files}
    there = all(paths[file.file].is_file() and paths[file.file].stat().st_size == file.bytes for file in index.files)
    return index if there and index.sources == sources else None


def _group(outputs: Sequence[_Output], limit: int) -> Iterator[list[_Output]]:
    group: list[_Output] = []
    size = 0
    for output in outputs:
        content = max(output.bytes - _EMPTY_OUTPUT_BYTES, 0)
        if group and size + content > limit:
            yield group
            group, size = [], 0
        group.append(output)
        size += content
    if group:
        yield group


def _locate(name: str, group: Sequence[_Output]) -> Iterator[MergedJob]:
    start = 0
    for output in group:
        job, stop = output.job, start + output.job.events
        yield MergedJob(job=job.job, input_file=job.input_file, file=name, entry_start=start, entry_stop=stop)
        start = stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m jobs.results.merge", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder of the campaign's results")
    folder = CampaignFolder(parser.parse_args(arguments).folder)
    try:
        index = merge(folder)
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    for file in index.files:
        sys.stdout.write(f"{folder.merged / file.file}: {file.events} events, {file.bytes / 1e6:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
