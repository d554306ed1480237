"""Where a campaign's store lies: outside of the campaign, with its user's own state."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from jobs.layout import CampaignFolder

__all__ = ["find_store", "store_folder"]

_LONGEST_NAME = 60


def store_folder() -> Path:
    """Return the folder of all stores: `sonicgrid/dashboard` in XDG_STATE_HOME, which is ~/.local/state by default."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG specification says to take no notice of a relative path.
    home = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return home / "sonicgrid" / "dashboard"


def find_store(campaign: CampaignFolder, name: str, folder: Path | None = None) -> Path:
    """Return the store of a campaign, whether it is there or not.

    Args:
        campaign: its folder.
        name: its name, for people who look into the folder of the stores.
        folder: of the stores; by default the user's own.

    """
    root = campaign.root.resolve()
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:_LONGEST_NAME].lstrip(".") or "campaign"
    return (folder or store_folder()) / f"{plain}-{digest}.sqlite"
