"""The manifest: one row per job, the truth of what must exist when the campaign is done."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs import __version__
from jobs.errors import CampaignError
from jobs.replace_file import replace_file
from jobs.sealed_table import check_texts, pack_table, unpack_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from jobs.planning.count import InputFile
    from jobs.spec.campaign import Campaign

__all__ = ["MANIFEST_SCHEMA", "Manifest", "ManifestJob", "cut", "read_campaign_name", "read_manifest", "write_manifest"]

# Arrow's own allocator keeps 40 MB more for a manifest of 100,000 jobs, and every watcher reads one.
pa.set_memory_pool(pa.system_memory_pool())

_TEXT = pa.dictionary(pa.int32(), pa.string())

MANIFEST_SCHEMA = pa.schema(
    [
        pa.field("job", pa.int32(), nullable=False),
        pa.field("block", pa.int32(), nullable=False),
        pa.field("input_file", _TEXT, nullable=False),
        pa.field("input_uuid", _TEXT, nullable=False),
        pa.field("entry_start", pa.int64(), nullable=False),
        pa.field("entry_stop", pa.int64(), nullable=False),
        pa.field("flavour", _TEXT, nullable=False),
        pa.field("output_file", pa.string(), nullable=False),
    ]
)
"""`input_file` is absolute or a URL; `output_file` is relative to the campaign's folder, so that it can be moved."""

_VERSION = 1


@dataclass(frozen=True)
class ManifestJob:
    """One row: a range of entries of one file."""

    job: int
    block: int
    input_file: str
    input_uuid: str
    entry_start: int
    entry_stop: int
    flavour: Literal["gpu", "cpu", "auto"]
    output_file: str

    @property
    def events(self) -> int:
        """Number of its events."""
        return self.entry_stop - self.entry_start


@dataclass(frozen=True, eq=False)
class Manifest:
    """All jobs of a campaign, ordered by number; a block is a run of consecutive jobs."""

    campaign: str
    digest: str
    """SHA-256 over all that defines the work, hex: two manifests with the same digest ask for the same files."""
    table: pa.Table
    """Columns as in MANIFEST_SCHEMA."""
    software_version: str = __version__

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return int(self.table.num_rows)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return int(self.table["block"][-1].as_py()) + 1 if self.n_jobs else 0

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int((self._numbers("entry_stop") - self._numbers("entry_start")).sum())

    @property
    def most_events(self) -> int:
        """Events of the largest job."""
        return int((self._numbers("entry_stop") - self._numbers("entry_start")).max(initial=0))

    @property
    def n_cpu_jobs(self) -> int:
        """Number of jobs of the cpu flavour."""
        return int(self._is_cpu().sum())

    @property
    def n_cpu_events(self) -> int:
        """Number of events in jobs of the cpu flavour."""
        return int((self._numbers("entry_stop") - self._numbers("entry_start"))[self._is_cpu()].sum())

    @property
    def input_files(self) -> tuple[str, ...]:
        """Every input file that has a job, in the order of the jobs."""
        return tuple(dict.fromkeys(self.table["input_file"].to_pylist()))

    @property
    def output_files(self) -> tuple[str, ...]:
        """Every output, relative to the campaign's folder, in the order of the jobs."""
        return tuple(self.table["output_file"].to_pylist())

    def block(self, number: int) -> tuple[ManifestJob, ...]:
        """Return the jobs of one block.

        Raises:
            CampaignError: there is no such block.

        """
        blocks = self._numbers("block")
        start, stop = np.searchsorted(blocks, [number, number + 1])
        if start == stop:
            message = f"the campaign has no block {number}; its blocks are 0 to {self.n_blocks - 1}"
            raise CampaignError(message)
        return tuple(_rows(self.table.slice(start, stop - start)))

    def jobs(self) -> Iterator[ManifestJob]:
        """Yield every job, without holding more than a few thousand of them."""
        for batch in self.table.to_batches(max_chunksize=4096):
            yield from _rows(pa.Table.from_batches([batch]))

    def _is_cpu(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.asarray(pc.equal(self.table["flavour"].cast(pa.string()), "cpu").to_numpy(), dtype=np.bool_)

    def _numbers(self, column: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.asarray(self.table[column].to_numpy(), dtype=np.int64)


def cut(campaign: Campaign, files: tuple[InputFile, ...], network_sha256: str = "") -> Manifest:
    """Cut the files into jobs and the jobs into blocks: every entry of every file in exactly one job.

    The same arguments give the same manifest, on every machine and at any time.

    Args:
        campaign: for the sizes of jobs and blocks, the flavours and the network.
        files: in the order in which they are to be worked off.
        network_sha256: of the ONNX file, where jobs of the cpu flavour use it.

    """
    per_job = campaign.jobs.events_per_job
    entries = np.array([file.entries for file in files], dtype=np.int64)
    jobs_of_file = -(-entries // per_job)
    n_jobs = int(jobs_of_file.sum())
    file_of_job = np.repeat(np.arange(len(files), dtype=np.int32), jobs_of_file)
    job = np.arange(n_jobs, dtype=np.int32)
    first_job = np.cumsum(jobs_of_file) - jobs_of_file
    start = (job - first_job[file_of_job]) * per_job
    stop = np.minimum(start + per_job, entries[file_of_job])
    block = (job // campaign.jobs.jobs_per_block).astype(np.int32)
    table = pa.table(
        [
            pa.array(job),
            pa.array(block),
            pa.DictionaryArray.from_arrays(file_of_job, pa.array([file.path for file in files], pa.string())),
            pa.DictionaryArray.from_arrays(file_of_job, pa.array([file.uuid for file in files], pa.string())),
            pa.array(start),
            pa.array(stop),
            pa.DictionaryArray.from_arrays(_flavours(campaign, n_jobs), pa.array(["gpu", "cpu", "auto"])),
            pa.array(
                [
                    f"outputs/{in_block:05d}/{campaign.name}-{number:07d}.root"
                    for number, in_block in zip(job.tolist(), block.tolist(), strict=True)
                ],
                pa.string(),
            ),
        ],
        schema=MANIFEST_SCHEMA,
    )
    return Manifest(campaign.name, _digest(campaign, files, network_sha256), table)


def _flavours(campaign: Campaign, n_jobs: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return 0 for each job of the gpu flavour, 1 for cpu, 2 for auto.

    Those of the comparison are a share of all, evenly spread, rounded to whole jobs over any run.
    """
    if campaign.flavour == "cpu":
        return np.ones(n_jobs, dtype=np.int32)
    # In whole millionths, so that no rounding of a float decides about a job.
    share, whole = round(campaign.cpu_comparison * 1_000_000), 1_000_000
    steps = (2 * np.arange(n_jobs + 1, dtype=np.int64) * share + whole) // (2 * whole)
    compared = np.diff(steps).astype(np.int32)
    return compared if campaign.flavour == "gpu" else np.where(compared == 1, 1, 2).astype(np.int32)


def _digest(campaign: Campaign, files: tuple[InputFile, ...], network_sha256: str) -> str:
    """Digest what the cut depends on; the table follows from it, so it need not be read."""
    work = {
        "version": _VERSION,
        "campaign": campaign.name,
        "events_per_job": campaign.jobs.events_per_job,
        "jobs_per_block": campaign.jobs.jobs_per_block,
        "flavour": campaign.flavour,
        "cpu_comparison": round(campaign.cpu_comparison * 1_000_000) if campaign.flavour != "cpu" else 0,
        "network": [campaign.network.name, campaign.network.version, network_sha256],
        "adc_per_electron": campaign.reco.adc_per_electron,
        "files": [[file.path, file.uuid, file.entries] for file in files],
    }
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()


def _rows(table: pa.Table) -> Iterator[ManifestJob]:
    # Decoded first: Arrow hands out a dictionary's values one Python call each, 16 times slower.
    plain = (c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns)
    columns = (column.to_pylist() for column in plain)
    return (ManifestJob(*row) for row in zip(*columns, strict=True))


def write_manifest(manifest: Manifest, path: Path) -> bool:
    """Write the manifest as Parquet; return False where the same one is there already and was left alone."""
    with contextlib.suppress(CampaignError):
        if path.is_file() and read_manifest(path).digest == manifest.digest:
            return False
    metadata = {
        "sonicgrid.version": str(_VERSION),
        "sonicgrid.campaign": manifest.campaign,
        "sonicgrid.digest": manifest.digest,
        "sonicgrid.software_version": manifest.software_version,
    }
    return replace_file(path, pack_table(manifest.table, metadata, "zstd"))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        CampaignError: it is missing, damaged, or of a version that this program does not know.

    """
    try:
        table, metadata = unpack_table(path)
    except FileNotFoundError as error:
        message = f"{path}: there is no manifest; plan the campaign first, with `sonicgrid submit`"
        raise CampaignError(message) from error
    except (OSError, pa.ArrowException, ValueError) as error:
        message = f"{path}: not a readable manifest: {error}; `sonicgrid submit` makes it anew"
        raise CampaignError(message) from error
    _check_version(path, table.schema, metadata)
    return Manifest(
        metadata["sonicgrid.campaign"],
        metadata["sonicgrid.digest"],
        table,
        metadata["sonicgrid.software_version"],
    )


def read_campaign_name(path: Path) -> str:
    """Return the name of a manifest's campaign, from the end of the file: at once, however many jobs there are.

    Raises:
        CampaignError: it is missing, damaged there, or of a version that this program does not know.

    """
    try:
        schema = pq.read_schema(path)
        metadata = check_texts(schema)
    except (OSError, pa.ArrowException, ValueError) as error:
        message = f"{path}: not a readable manifest: {error}"
        raise CampaignError(message) from error
    _check_version(path, schema.remove_metadata(), metadata)
    return metadata["sonicgrid.campaign"]


def _check_version(path: Path, schema: pa.Schema, metadata: Mapping[str, str]) -> None:
    if metadata.get("sonicgrid.version") != str(_VERSION) or not schema.equals(MANIFEST_SCHEMA):
        message = f"{path}: not a manifest of version {_VERSION}; it was written by another program or version"
        raise CampaignError(message)
