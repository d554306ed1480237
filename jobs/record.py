"""What one attempt of one job says about itself: the only contract between jobs and monitoring."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import CampaignError
from jobs.exits import ExitClass
from jobs.seal import seal_json, unseal_json
from jobs.whole import Whole
from sonic.scores import LATENCY_COUNTS
from sonic.wire_format import WireFormat

__all__ = ["Record", "StageSeconds", "damaged_records", "pack_record", "parse_record", "read_record", "read_records"]


class StageSeconds(BaseModel):
    """Wall seconds that the attempt spent in each stage, summed over its events; stages overlap."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    startup_s: float = Field(
        0.0, description="From the start of the process to the opening of the input, imports included"
    )
    read_s: float = Field(0.0, description="Reading and unpacking events from ROOT")
    prepare_s: float = Field(
        0.0, description="Building views and locating hits in them, and the rest of the chain in a rehearsal"
    )
    inference_s: float = Field(0.0, description="From the first patch cut to the last score, per event")
    write_s: float = Field(0.0, description="Writing, closing, checksumming and renaming the output")


class Record(BaseModel):
    """One attempt of one job, as one JSON file in the campaign's records folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = Field(1, description="Version of this format")
    campaign: str = Field(description="Name of the campaign")
    manifest_digest: str = Field(description="Digest of the manifest that the job belongs to")
    block: Whole = Field(description="Number of the block")
    job: Whole = Field(description="Number of the job in the campaign's manifest")
    attempt: Whole = Field(description="0 for the first start, one more for each later one")
    cluster: Whole = Field(description="HTCondor cluster; -1 outside HTCondor")
    proc: Whole = Field(description="HTCondor proc; -1 outside HTCondor")
    flavour: Literal["gpu", "cpu"] = Field(description="Where the network ran: gpu = inference pool, cpu = in the job")
    site: str = Field(description="Site of the slot; empty if the slot says none")
    host: str = Field(description="Host name of the worker")
    cpu_model: str = Field(description="Model name of the worker's CPU")
    endpoint: str = Field(description="Endpoint that answered last; empty for the cpu flavour")
    wire_format: WireFormat = Field("patches", description="How hits travelled to the inference pool, if any did")
    model: str = Field(description="Name of the network")
    model_version: str = Field(description="Version of the network")
    software_version: str = Field(description="Version of SonicGrid")
    input_file: str = Field(description="Path or URL of the input file, as in the manifest")
    input_uuid: str = Field(description="UUID of the input ROOT file; empty if it could not be opened")
    entry_start: Whole = Field(description="First entry of the job")
    entry_stop: Whole = Field(description="One past the last entry of the job")
    exit_class: ExitClass = Field(description="How the attempt ended")
    error: str = Field("", description="The error, if any: what, where, what to do")
    started: float = Field(description="Start, seconds since the epoch (UTC) by the worker's clock")
    ended: float = Field(description="End, seconds since the epoch (UTC) by the worker's clock")
    stages: StageSeconds = Field(description="Seconds per stage")
    cpu_s: float = Field(description="CPU seconds of the process, user and system")
    max_rss_mb: float = Field(description="Largest resident memory, MB")
    events: Whole = Field(0, description="Events written to the output")
    hits: Whole = Field(0, description="Hits that got scores")
    hits_on_cpu: Whole = Field(
        0, description="Hits that a job of the gpu flavour scored in the job, because no endpoint answered"
    )
    events_resumed: Whole = Field(
        0, description="Of `events`, those that were taken out of the checkpoint of an earlier attempt"
    )
    hits_resumed: Whole = Field(0, description="Hits of these events")
    events_kept: Whole = Field(
        0, description="Events of an attempt that did not succeed that are in a checkpoint, for the next one"
    )
    bytes_sent: Whole = Field(0, description="Bytes of requests handed to gRPC, repeats included")
    bytes_received: Whole = Field(0, description="Bytes of answers")
    requests: Whole = Field(0, description="Requests answered")
    retries: Whole = Field(0, description="Requests sent again")
    paced_s: float = Field(0.0, description="Seconds for which the share held a request that could have gone")
    latency_s: float = Field(0.0, description="Seconds from sending to the answer, summed over `requests`")
    latency_counts: tuple[Whole, ...] = Field((), description=LATENCY_COUNTS)
    share_mbps: float = Field(0.0, description="Share of the link at the end, Mb/s on the wire; 0 if not paced")
    output_file: str = Field("", description="Path of the output; empty if there is none")
    output_bytes: Whole = Field(0, description="Size of the output, bytes")
    output_sha256: str = Field("", description="SHA-256 of the output, hex")


def pack_record(record: Record) -> bytes:
    """Return the content of a record's file: JSON with a checksum."""
    return seal_json(record.model_dump_json(indent=1).encode())


def parse_record(content: bytes) -> Record:
    """Return the record that a file holds.

    Raises:
        ValueError: it is not one, or not as it was written; a pydantic ValidationError says what is wrong.

    """
    return Record.model_validate_json(unseal_json(content))


def read_record(path: Path) -> Record:
    """Read one record.

    Raises:
        CampaignError: the file is not a record of a version that this program knows.

    """
    try:
        return parse_record(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"{path}: not a readable job record: {error}"
        raise CampaignError(message) from error


def read_records(folder: Path) -> list[Record]:
    """Read every record of one block, oldest attempt first.

    One that is damaged is left out, so that it costs no job but its own; `damaged_records` names it.

    Args:
        folder: a block's folder of records; it may not exist yet.

    """
    return sorted(_scan(folder)[0], key=lambda record: (record.started, record.job))


def damaged_records(folder: Path) -> dict[Path, str]:
    """Return the files of a block that are no records of ours, or not as they were written, each with what is wrong."""
    return _scan(folder)[1]


def _scan(folder: Path) -> tuple[list[Record], dict[Path, str]]:
    records, damaged = [], {}
    for path in sorted(folder.glob("*.json")):
        try:
            records.append(read_record(path))
        except CampaignError as error:
            damaged[path] = str(error)
    return records, damaged
