"""Makes the plan of a campaign whole again when one of its files is damaged or gone; the same plan, or none.

A manifest follows from the spec and the counts of events, both in the campaign's folder, and its digest says whether
what was made is what was lost. So this needs no input file, as long as the counts are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import CampaignError, ConfigError
from jobs.manifest import cut, read_manifest
from jobs.planning.count import read_counts
from jobs.planning.demand import estimate_demand
from jobs.planning.plan import Plan, known_digest, make_plan, network_sha256, read_summary, write_plan
from jobs.set_aside import set_aside
from jobs.spec.campaign import load_campaign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["mend_plan"]


def mend_plan(spec: Path, sites_folder: Path, folder: CampaignFolder) -> list[str]:
    """Make damaged or missing files of a plan anew, from the others; do nothing for a campaign that is not planned.

    Args:
        spec: the campaign's spec, for what its copy in the folder cannot say any more.
        sites_folder: of the site configs.
        folder: of the campaign.

    Returns:
        What was done, one line each.

    Raises:
        CampaignError: the plan cannot be made as it was.
        ConfigError: spec and copy have problems.
        InputError: an input must be counted again, and cannot be opened.

    """
    readers: dict[Path, Callable[[], object]] = {
        folder.spec: lambda: load_campaign(folder.spec),
        folder.manifest: lambda: read_manifest(folder.manifest),
        folder.plan: lambda: read_summary(folder),
    }
    if not any(path.exists() for path in (folder.manifest, folder.plan)):
        return []
    wrong: dict[Path, str] = {}
    for path, read in readers.items():
        try:
            read()
        except (CampaignError, ConfigError):
            wrong[path] = "was damaged" if path.exists() else "was gone"
    if not wrong:
        return []
    digest = known_digest(folder)
    made = _from_counts(spec, folder, digest) or make_plan(spec, sites_folder, folder)
    if made.manifest.digest != digest:
        said = " and ".join(f"{path} {how}" for path, how in wrong.items())
        message = f"{said}, and spec and inputs do not give the same plan any more"
        raise CampaignError(f"{message}; undo the change of {spec}, or delete {folder.root} to start from nothing")
    for path in wrong:
        set_aside(folder, path)
    write_plan(made, folder)
    return [f"{path} {how}; it is made anew, and the plan is the same" for path, how in wrong.items()]


def _from_counts(spec: Path, folder: CampaignFolder, digest: str) -> Plan | None:
    """Return the plan that the counts give, with the copy of the spec or the spec; None if neither gives the same."""
    for path in (folder.spec, spec):
        try:
            campaign, inputs = load_campaign(path), read_counts(folder.inputs)
            manifest = cut(campaign, inputs.files, network_sha256(campaign))
        except (ConfigError, OSError, ValueError):
            continue
        if manifest.digest == digest:
            return Plan(campaign, inputs, manifest, estimate_demand(campaign, {}, manifest))
    return None
