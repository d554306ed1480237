"""Writes what travels to the worker, one description per block; at submit time, when the endpoints are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.block import Block, BlockJob, Network, Reco
from jobs.replace_file import replace_file
from jobs.seal import seal_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.block import SiteAccess
    from jobs.layout import CampaignFolder
    from jobs.manifest import Manifest
    from jobs.spec.campaign import Campaign

__all__ = ["describe_block", "write_blocks"]


def describe_block(
    number: int, manifest: Manifest, campaign: Campaign, access: Mapping[str, SiteAccess], folder: CampaignFolder
) -> Block:
    """Return the description of one block, with absolute paths.

    Args:
        number: of the block.
        manifest: that it is cut from.
        campaign: for the network and the scaling.
        access: by site name, how its jobs reach the inference pool now.
        folder: of the campaign.

    Raises:
        CampaignError: the manifest has no such block.

    """
    root = folder.root.resolve()
    outputs = campaign.staged_under or str(root)
    return Block(
        campaign=manifest.campaign,
        manifest_digest=manifest.digest,
        block=number,
        records=str(root / folder.block(number).records.relative_to(folder.root)),
        shares=str(root / folder.shares.relative_to(folder.root)),
        staged=bool(campaign.staged_under),
        checkpoint_every_s=campaign.jobs.checkpoint_every_s,
        checkpoint_events=campaign.jobs.checkpoint_events,
        network=Network(**campaign.network.model_dump()),
        reco=Reco(adc_per_electron=campaign.reco.adc_per_electron, rest_of_chain_s=campaign.reco.rest_of_chain_s),
        sites=dict(access),
        jobs=tuple(
            BlockJob(
                job=job.job,
                input_file=job.input_file,
                entry_start=job.entry_start,
                entry_stop=job.entry_stop,
                flavour=job.flavour,
                output_file=f"{outputs}/{job.output_file}",
            )
            for job in manifest.block(number)
        ),
    )


def write_blocks(
    manifest: Manifest,
    campaign: Campaign,
    access: Mapping[str, SiteAccess],
    folder: CampaignFolder,
    numbers: Iterable[int] | None = None,
) -> int:
    """Write the descriptions of some blocks, or of all; one that says the same already is left alone.

    Returns:
        How many were written.

    Raises:
        CampaignError: the manifest has no such block, or a file cannot be written.

    """
    written = 0
    for number in range(manifest.n_blocks) if numbers is None else numbers:
        block = describe_block(number, manifest, campaign, access, folder)
        written += replace_file(folder.block(number).description, seal_json(block.model_dump_json().encode()))
    return written
