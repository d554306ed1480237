"""Takes a damaged file out of the way, so that a new one can be made: nothing is thrown away that a person may want."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jobs.errors import CampaignError

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.layout import CampaignFolder

__all__ = ["set_aside"]


def set_aside(folder: CampaignFolder, path: Path) -> Path:
    """Move a file of a campaign into its folder `set-aside`; returns where it is now.

    Raises:
        CampaignError: it cannot be moved.

    """
    name = str(path.relative_to(folder.root)).replace("/", "-")
    target = folder.set_aside / f"{name}.{time.time_ns()}"
    try:
        folder.set_aside.mkdir(exist_ok=True)
        path.rename(target)
    except FileNotFoundError:
        return target
    except OSError as error:
        message = f"{path}: is damaged and cannot be set aside: {error.strerror or error}; correct the permissions"
        raise CampaignError(message) from error
    return target
