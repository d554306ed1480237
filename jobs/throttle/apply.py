"""Puts edited site configs into force for running campaigns: all of them, or none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import CampaignError, ConfigError, Problem
from jobs.layout import CampaignFolder
from jobs.running.queue import open_queue
from jobs.spec.campaign import load_campaign
from jobs.spec.site import load_grid
from jobs.throttle.in_force import grid_in_force, put_in_force, source_in_force
from jobs.throttle.keep import LOOK_S, Shift
from jobs.throttle.keeper import SETTLE_S
from jobs.throttle.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobs.throttle.in_force import Edit
    from jobs.throttle.state import ThrottleState

__all__ = ["Applied", "apply_sites", "await_look", "running_campaigns"]


@dataclass(frozen=True)
class Applied:
    """What applying did to one campaign.

    Attributes:
        folder: of the campaign.
        edits: what changed.
        kept: whether a throttle is at work on it; otherwise the limits were set once, by this command.

    """

    folder: CampaignFolder
    edits: tuple[Edit, ...]
    kept: bool


def running_campaigns(sites_folder: Path) -> list[CampaignFolder]:
    """Return every campaign that has jobs in the queue and runs by the site configs of a folder.

    Raises:
        PoolError: HTCondor does not answer.
        CampaignError: the file of a campaign cannot be read.

    """
    folders = [CampaignFolder(Path(name)) for name in sorted({one.folder for one in open_queue().clusters()})]
    return [folder for folder in folders if source_in_force(folder) == sites_folder.resolve()]


def apply_sites(
    folders: Sequence[CampaignFolder], sites_folder: Path, say: Callable[[str], None] = lambda line: None
) -> list[Applied]:
    """Put the configs of a folder into force for some campaigns.

    Args:
        folders: of the campaigns, planned.
        sites_folder: of the site configs.
        say: takes lines of progress.

    Raises:
        ConfigError: with every problem of every config; nothing has changed.
        JobsError: a campaign's file cannot be read or written, or HTCondor does not answer.

    """
    names = {}
    problems: dict[str, Problem] = {}
    for folder in folders:
        names[folder] = load_campaign(folder.spec).sites
        try:
            load_grid(sites_folder, names[folder], str(folder.spec))
        except ConfigError as error:
            problems |= {str(problem): problem for problem in error.problems}
    if problems:
        raise ConfigError(list(problems.values()))
    return [_apply(folder, sites_folder, names[folder], say) for folder in folders]


def _apply(folder: CampaignFolder, sites_folder: Path, names: Sequence[str], say: Callable[[str], None]) -> Applied:
    edits = put_in_force(folder, sites_folder, names, str(folder.spec))
    if not edits:
        return Applied(folder, (), kept=True)
    with Shift(folder, sites_folder).on() as shift:
        if not shift.look_if_due():
            return Applied(folder, tuple(edits), kept=True)
        # Nobody keeps this campaign's throttle: set the limits here, once smaller shares have been read.
        say(f"{folder.root.name}: no driver is at work; setting its limits takes {SETTLE_S + 2 * LOOK_S:.0f} s")
        ends = time.monotonic() + SETTLE_S + 2 * LOOK_S
        while time.monotonic() < ends:
            time.sleep(0.2)
            shift.look_if_due()
    return Applied(folder, tuple(edits), kept=False)


def await_look(folder: CampaignFolder, since: float, timeout_s: float) -> ThrottleState:
    """Wait until a campaign's throttle has looked, and return what it decided.

    Args:
        folder: of the campaign.
        since: seconds since the epoch; a look after that counts.
        timeout_s: longest wait.

    Raises:
        CampaignError: it did not look in time.

    """
    grid = grid_in_force(folder)
    wanted = {name: site.budget_mbps for name, site in grid.sites.items()} if grid else {}
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        state = read_state(folder)
        # A look that began before the edit may have ended after it.
        if (
            state is not None
            and state.at > since
            and wanted == {name: site.budget_mbps for name, site in state.sites.items()}
        ):
            return state
        time.sleep(0.2)
    message = (
        f"{folder.root}: the throttle has not looked for {timeout_s:.0f} s; the edit is in {folder.sites} and counts"
        f" as soon as it does; see {folder.log}"
    )
    raise CampaignError(message)
