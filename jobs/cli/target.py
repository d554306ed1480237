"""What people may write for CAMPAIGN: a spec, a results folder, or a name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.errors import UsageError
from jobs.layout import CHECKOUT, CampaignFolder
from jobs.spec.campaign import load_campaign

__all__ = ["CampaignArgument", "SitesFolderOption", "find_folder", "find_spec"]

CampaignArgument = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="Spec (a YAML file), results folder, or name of a campaign.")
]

SitesFolderOption = Annotated[
    Path | None,
    typer.Option("--sites-folder", help="Folder of the site configs; by default site_configs, or SONICGRID_SITES."),
]

SPECS = CHECKOUT / "workflow" / "campaigns"


def find_spec(campaign: str) -> Path:
    """Return the spec that is meant.

    Raises:
        UsageError: there is no such spec.

    """
    given = Path(campaign)
    candidates = [given, Path("workflow/campaigns") / f"{campaign}.yaml", SPECS / f"{campaign}.yaml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    if (given / "campaign.yaml").is_file():
        message = f"{campaign} is a results folder; name the spec that it came from, to be planned and run"
        raise UsageError(message)
    known = ", ".join(sorted(path.stem for path in SPECS.glob("*.yaml")))
    message = f"{campaign}: there is no such campaign spec; give the path of a YAML file, or one of: {known}"
    raise UsageError(message)


def find_folder(campaign: str) -> CampaignFolder:
    """Return the results folder that is meant, whether by itself or by its spec.

    Raises:
        UsageError: there is neither such a folder nor such a spec.
        ConfigError: the spec has problems.

    """
    given = Path(campaign)
    for folder in (given, Path("results") / campaign):
        if (folder / "campaign.yaml").is_file() or (folder / "driver.log").is_file():
            return CampaignFolder(folder.resolve())
    return CampaignFolder(load_campaign(find_spec(campaign)).folder)
