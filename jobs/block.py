"""What travels to the worker: everything that the jobs of one block need, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import CampaignError
from jobs.seal import unseal_json
from sonic.wire_format import WireFormat

__all__ = ["Block", "BlockJob", "Network", "Reco", "SiteAccess", "TlsFiles", "WhenPoolAway", "read_block"]

WhenPoolAway = Literal["hold", "wait", "cpu"]
"""What a job of the gpu flavour does when no endpoint answers."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Network(_Frozen):
    """Which network scores the hits."""

    name: str = Field(description="Name of the model in the Triton repository")
    version: str = Field(description="Version of the model")
    file: str = Field(description="ONNX file of the same network, for the cpu flavour; a path on the worker")
    when_pool_away: WhenPoolAway = Field("hold", description="What a job does when no endpoint answers")


class Reco(_Frozen):
    """How wires become pixels."""

    adc_per_electron: float = Field(description="Factor from the wires' electrons per tick to the network's ADC")
    rest_of_chain_s: float = Field(
        0.0, ge=0, description="Seconds slept for each event in place of the rest of the reconstruction"
    )


class TlsFiles(_Frozen):
    """Files of a TLS connection, paths on the worker; they may begin with a variable of the job's environment."""

    ca: str | None = Field(None, description="Certificates that the servers' are trusted by; null for the system's")
    certificate: str | None = Field(None, description="Certificate that jobs show; null to show none")
    key: str | None = Field(None, description="Key of that certificate")


class SiteAccess(_Frozen):
    """How a job that landed at a site reaches the inference pool, and how it tells what it does."""

    endpoints: tuple[str, ...] = Field(description="host:port of gRPC endpoints, in order of preference")
    wire_format: WireFormat = Field(description="Wire format of the requests")
    tls: TlsFiles | None = Field(None, description="Files of the TLS connection; null for a connection without TLS")
    token_file: str | None = Field(None, description="File on the worker with a bearer token; null to send none")
    patience_s: float = Field(
        300.0, gt=0, description="Seconds without a single answer after which the inference pool counts as away"
    )
    pace: bool = Field(True, description="Whether a job keeps to its share; false where a gateway keeps the budget")
    largest_request_mb: float = Field(4.0, gt=0, description="Most MB of patches in one request")
    heartbeat_s: float = Field(60.0, gt=0, description="Seconds between two heartbeats of a job")


class BlockJob(_Frozen):
    """One job: a range of entries of one file."""

    job: int = Field(description="Number of the job in the manifest")
    input_file: str = Field(description="Absolute path or URL of the input")
    entry_start: int = Field(description="First entry")
    entry_stop: int = Field(description="One past the last entry")
    flavour: Literal["gpu", "cpu", "auto"] = Field(
        description="Where the network runs; `auto` leaves it to what the submit description says at the start"
    )
    output_file: str = Field(description="Absolute path of the output, or its URL")


class Block(_Frozen):
    """The description of a block, written once by `plan` and only read afterwards."""

    version: Literal[1] = Field(1, description="Version of this format")
    campaign: str = Field(description="Name of the campaign")
    manifest_digest: str = Field(description="Digest of the manifest that this block was cut from")
    block: int = Field(description="Number of the block")
    records: str = Field(description="Folder for the records, absolute")
    shares: str = Field(
        "", description="File on the submit machine with the share of a job at each site, read through HTCondor"
    )
    staged: bool = Field(False, description="Whether jobs put their outputs in place by themselves, copy and rename")
    checkpoint_every_s: float = Field(
        0.0, ge=0, description="Seconds of work after which a job keeps what it has scored; 0 for no such rule"
    )
    checkpoint_events: int = Field(
        0, ge=0, description="Events after which a job keeps what it has scored; 0 for no such rule"
    )
    network: Network
    reco: Reco
    sites: dict[str, SiteAccess] = Field(description="By site name")
    jobs: tuple[BlockJob, ...]

    def find(self, number: int) -> BlockJob:
        """Return one of the block's jobs by its number in the manifest.

        Raises:
            CampaignError: the block has no such job.

        """
        for job in self.jobs:
            if job.job == number:
                return job
        numbers = f"{self.jobs[0].job} to {self.jobs[-1].job}" if self.jobs else "none"
        message = f"block {self.block} of campaign {self.campaign} has no job {number}; its jobs are {numbers}"
        raise CampaignError(message)


def read_block(path: Path) -> Block:
    """Read a block's description.

    Raises:
        CampaignError: it is missing or not one of ours.

    """
    try:
        return Block.model_validate_json(unseal_json(path.read_bytes()))
    except (OSError, ValueError) as error:
        message = (
            f"{path}: not a readable block description; run `sonicgrid submit` again to have it rewritten: {error}"
        )
        raise CampaignError(message) from error
