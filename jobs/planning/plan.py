"""Plans a campaign: from its spec to the manifest. `python -m jobs.planning.plan` is what the workflow's rule calls."""

from __future__ import annotations

import argparse
import hashlib
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.block import read_block
from jobs.errors import CampaignError, InputError, JobsError
from jobs.layout import CampaignFolder
from jobs.manifest import cut, read_manifest, write_manifest
from jobs.planning.count import Inputs, count_inputs
from jobs.planning.demand import check_budgets, estimate_demand
from jobs.planning.inputs import find_inputs
from jobs.reco.read import count_entries
from jobs.record import read_record
from jobs.replace_file import replace_file
from jobs.seal import seal_json, seal_yaml, unseal_json
from jobs.spec.campaign import dump_campaign, load_campaign_and_grid
from jobs.spec.site import find_sites_folder
from jobs.spread import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jobs.manifest import Manifest
    from jobs.planning.count import Counter
    from jobs.planning.demand import Demand
    from jobs.spec.campaign import Campaign
    from jobs.spec.links import Links
    from jobs.spec.site import Site
    from jobs.spread import Progress

__all__ = [
    "Plan",
    "PlanSummary",
    "RejectedInput",
    "known_digest",
    "main",
    "make_plan",
    "network_sha256",
    "plan",
    "read_summary",
    "write_plan",
]


class RejectedInput(BaseModel):
    """An input file that cannot be used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="Path or URL")
    reason: str = Field(description="Why")


class PlanSummary(BaseModel):
    """What the plan counted and what it rejected: `plan.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = Field(1, description="Version of this format")
    campaign: str = Field(description="Name of the campaign")
    digest: str = Field(description="Digest of the manifest")
    files: int = Field(description="Input files that can be used")
    events: int = Field(description="Events in them")
    jobs: int = Field(description="Jobs, both flavours")
    cpu_jobs: int = Field(description="Jobs of the cpu flavour")
    blocks: int = Field(description="Blocks, numbered from 0")
    rejected: tuple[RejectedInput, ...] = Field(description="Input files that cannot be used")
    staged_under: str = Field(
        "", description="Path or URL below which the outputs are; empty for the campaign's folder itself"
    )

    def output(self, folder: CampaignFolder, output_file: str) -> str:
        """Return the path or URL of an output of the manifest."""
        return f"{self.staged_under or folder.root}/{output_file}"


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that is known about a campaign before its first job."""

    campaign: Campaign
    inputs: Inputs
    manifest: Manifest
    demand: Demand

    @property
    def summary(self) -> PlanSummary:
        """What `plan.json` says."""
        return PlanSummary(
            campaign=self.campaign.name,
            digest=self.manifest.digest,
            files=len(self.inputs.files),
            events=self.manifest.n_events,
            jobs=self.manifest.n_jobs,
            cpu_jobs=self.manifest.n_cpu_jobs,
            blocks=self.manifest.n_blocks,
            rejected=tuple(RejectedInput(path=file.path, reason=file.reason) for file in self.inputs.rejected),
            staged_under=self.campaign.staged_under,
        )


def plan(
    campaign: Campaign,
    sites: Mapping[str, Site],
    inputs: Inputs,
    network_sha256: str = "",
    links: Links | None = None,
    slots: Mapping[str, int] | None = None,
) -> Plan:
    """Plan a campaign whose inputs are counted; the same arguments give the same plan.

    Args:
        campaign: the spec.
        sites: its sites, by name.
        inputs: its files.
        network_sha256: of the ONNX file, where jobs of the cpu flavour use it.
        links: what the sites share.
        slots: by site, how many belong to it; None if no pool was asked.

    Raises:
        InputError: no file can be used.

    """
    manifest = cut(campaign, inputs.files, network_sha256)
    if not manifest.n_jobs:
        examples = "\n".join(f"  {file.reason}" for file in inputs.rejected[:5])
        message = f"campaign '{campaign.name}' has nothing to do: none of its input files can be used:\n{examples}"
        raise InputError(message)
    return Plan(campaign, inputs, manifest, estimate_demand(campaign, sites, manifest, links, slots))


def make_plan(
    spec: Path,
    sites_folder: Path,
    folder: CampaignFolder | None = None,
    *,
    progress: Progress = silent,
    counter: Counter = count_entries,
    keep_cache: bool = True,
    count_slots: Callable[[Mapping[str, Site]], Mapping[str, int] | None] = lambda sites: None,
) -> Plan:
    """Read the spec and its sites, find and count the inputs, and plan.

    Args:
        spec: the campaign spec.
        sites_folder: of the site configs.
        folder: of the campaign, where counts are remembered; by default the spec's own.
        progress: called with the number of files counted and of all files.
        counter: opens one file.
        keep_cache: whether to remember new counts; without it nothing on disk changes.
        count_slots: gives the number of slots by site, or None where there is nobody to ask.

    Raises:
        ConfigError: every problem of the spec, its sites and its patterns.
        InputError: files cannot be reached now, or none can be used.

    """
    campaign, grid = load_campaign_and_grid(spec, sites_folder)
    check_budgets(campaign, grid.sites, str(spec))
    folder = folder or CampaignFolder(campaign.folder)
    paths = find_inputs(campaign, str(spec))
    inputs = count_inputs(
        paths, folder.inputs, counter=counter, progress=progress, keep_cache=keep_cache, spec=str(spec)
    )
    return plan(campaign, grid.sites, inputs, network_sha256(campaign), grid.links, count_slots(grid.sites))


def network_sha256(campaign: Campaign) -> str:
    """Return the SHA-256 of the campaign's ONNX file, hex; empty where none of its jobs is planned to use it."""
    return hashlib.sha256(Path(campaign.network.file).read_bytes()).hexdigest() if campaign.has_cpu_jobs else ""


def write_plan(made: Plan, folder: CampaignFolder) -> bool:
    """Write manifest, summary and resolved spec; what says the same already is left alone, time stamp included.

    Returns:
        Whether the manifest is new.

    Raises:
        CampaignError: the campaign was begun with another manifest, or a file cannot be written.

    """
    _check_same_work(made, folder)
    new = write_manifest(made.manifest, folder.manifest)
    replace_file(folder.spec, seal_yaml(dump_campaign(made.campaign).encode()))
    replace_file(folder.plan, seal_json(made.summary.model_dump_json(indent=2).encode()))
    return new


def read_summary(folder: CampaignFolder) -> PlanSummary:
    """Read `plan.json`.

    Raises:
        CampaignError: it is missing or not one of ours.

    """
    try:
        return PlanSummary.model_validate_json(unseal_json(folder.plan.read_bytes()))
    except (OSError, ValueError) as error:
        message = f"{folder.plan}: not a readable plan; plan the campaign again with `sonicgrid submit`: {error}"
        raise CampaignError(message) from error


def _check_same_work(made: Plan, folder: CampaignFolder) -> None:
    """Refuse to replace the manifest of a campaign whose jobs were begun: their numbers would mean other events."""
    begun = next(folder.blocks.glob("*/records/*.json"), None) or next(folder.blocks.glob("*/clusters.jsonl"), None)
    if begun is None:
        return
    if folder.plan.is_file() and (before_at := read_summary(folder).staged_under) != made.summary.staged_under:
        message = (
            f"campaign '{made.campaign.name}' has outputs in {before_at or folder.outputs}, and output.stage_out names"
            f" another place now; undo the change, or give the campaign another name to start a new one"
        )
        raise CampaignError(message)
    if known_digest(folder) != made.manifest.digest:
        message = (
            f"campaign '{made.campaign.name}' was begun with other work than its spec asks for now:"
            f" {_what_changed(made, folder)}.\n"
            f"Undo the change to go on with it, give the campaign another name to start a new one,"
            f" or delete {folder.root} to start from nothing"
        )
        raise CampaignError(message)


def known_digest(folder: CampaignFolder) -> str:
    """Return the digest of the manifest that a campaign was begun with, from whatever file of it can be read.

    Raises:
        CampaignError: none can.

    """
    for path in (folder.plan, folder.manifest, *folder.blocks.glob("*/block.json"), *_records(folder)):
        with suppress(CampaignError):
            if path == folder.plan:
                return read_summary(folder).digest
            if path == folder.manifest:
                return read_manifest(path).digest
            return read_block(path).manifest_digest if path.name == "block.json" else read_record(path).manifest_digest
    message = f"{folder.root}: was begun, but no file says with which plan; delete the folder to start from nothing"
    raise CampaignError(message)


def _records(folder: CampaignFolder) -> Iterator[Path]:
    return folder.blocks.glob("*/records/*.json")


def _what_changed(made: Plan, folder: CampaignFolder) -> str:
    changes = []
    with suppress(CampaignError):
        old = set(read_manifest(folder.manifest).input_files)
        new = set(made.manifest.input_files)
        for what, some in (("new", new - old), ("missing", old - new)):
            if some:
                changes.append(f"{len(some)} {what} input files, such as {min(some)}")
    with suppress(CampaignError):
        before, now = read_summary(folder).model_dump(), made.summary.model_dump()
        changes += [
            f"{before[word]} {word.replace('_', ' ')} before, {now[word]} now"
            for word in ("files", "events", "jobs", "cpu_jobs", "blocks")
            if before[word] != now[word]
        ]
    return "; ".join(changes) or "the content of its files, its network or its scaling"


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan a campaign and write the plan; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m jobs.planning.plan", description="Plan a campaign and write its manifest."
    )
    parser.add_argument("--campaign", type=Path, required=True, help="campaign spec, YAML")
    parser.add_argument("--sites-folder", type=Path, help="folder of the site configs")
    parser.add_argument("--folder", type=Path, help="folder of the campaign; default: what the spec says")
    options = parser.parse_args(arguments)
    try:
        folder = CampaignFolder(options.folder) if options.folder else None
        made = make_plan(options.campaign, find_sites_folder(options.sites_folder), folder)
        write_plan(made, folder or CampaignFolder(made.campaign.folder))
    except JobsError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
