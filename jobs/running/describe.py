"""A block as a submit description: pure text, so that a test can read it and a person too.

One block is one cluster: the jobs are itemdata, HTCondor materializes them as slots take them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.exits import EXITS
from jobs.running.follow import EVENT_NOTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.layout import BlockFolder, CampaignFolder

__all__ = ["ClusterRequest", "describe", "describe_driver", "quote_classad"]

MAX_IDLE = 200
"""Jobs of one block that wait in the queue at once; the rest is not materialized yet."""

RELEASE_AFTER_S = 60
MAX_HOLDS = 3
"""A job that HTCondor held is released after RELEASE_AFTER_S times its number of holds, and removed after MAX_HOLDS."""

HELD_BY_USER = 1
"""HoldReasonCode of a hold that a person asked for; only a person releases it."""


@dataclass(frozen=True)
class ClusterRequest:
    """What one cluster asks of HTCondor.

    Attributes:
        campaign: name of the campaign.
        folder: the campaign's folder, by which its jobs are found again in the queue.
        digest: digest of its manifest.
        block: number of the block.
        slots: by site name, the ClassAd expression that says which slots belong to it.
        most_jobs: most jobs of this block in the queue at once; 0 for no limit.
        memory_mb, disk_mb: per job.
        max_runtime_s: longest that one attempt may run.
        max_retries: attempts after the first.

    """

    campaign: str
    folder: Path
    digest: str
    block: int
    slots: Mapping[str, str]
    most_jobs: int
    memory_mb: int
    disk_mb: int
    max_runtime_s: int
    max_retries: int


def describe(folder: BlockFolder, jobs: Sequence[int], request: ClusterRequest, python: Path) -> str:
    """Return the submit description of one cluster that runs `jobs` of the block, queue statement included."""
    final_codes = sorted(row.code for row in EXITS.values() if not row.retry)
    held = f"JobStatus == 5 && HoldReasonCode =!= {HELD_BY_USER}"
    commands = {
        "universe": "vanilla",
        "executable": str(python),
        "arguments": _quote(["-m", "jobs.payload", str(folder.description), "$(job)"]),
        "environment": _quote(["SONICGRID_SITE=$$([SonicGridSiteOfSlot])"]),
        "initialdir": str(folder.root),
        "output": "logs/$(job).log",
        "error": "logs/$(job).log",
        "log": str(folder.events_log),
        "submit_event_notes": f"{EVENT_NOTE}$(job)",
        "should_transfer_files": "NO",
        "getenv": "False",
        "requirements": " || ".join(f"({expression})" for expression in request.slots.values()),
        "request_cpus": "1",
        "request_memory": f"{request.memory_mb}MB",
        "request_disk": f"{request.disk_mb}MB",
        "batch_name": request.campaign,
        "max_retries": str(request.max_retries),
        "retry_until": "member(ExitCode, {" + ", ".join(map(str, final_codes)) + "}) =?= True",
        "kill_sig": "SIGTERM",
        "allowed_execute_duration": str(request.max_runtime_s),
        "periodic_release": f"{held} && NumHolds <= {MAX_HOLDS} && "
        f"(time() - EnteredCurrentStatus) > {RELEASE_AFTER_S} * NumHolds",
        "periodic_remove": f"{held} && NumHolds > {MAX_HOLDS}",
        "max_idle": str(MAX_IDLE),
        "My.WantIOProxy": "true",
        "My.SonicGridCampaign": quote_classad(request.campaign),
        "My.SonicGridDigest": quote_classad(request.digest),
        "My.SonicGridBlock": str(request.block),
        "My.SonicGridCampaignFolder": quote_classad(str(request.folder)),
        "My.SonicGridJob": "$(job)",
        "My.SonicGridSiteOfSlot": _site_of_slot(request.slots),
    }
    if request.most_jobs:
        commands["max_materialize"] = str(request.most_jobs)
    lines = [f"{key} = {value}" for key, value in commands.items()]
    items = "\n".join(str(job) for job in jobs)
    return "\n".join(lines) + f"\n\nqueue job from (\n{items}\n)\n"


def describe_driver(folder: CampaignFolder, command: Sequence[str], variables: Mapping[str, str]) -> str:
    """Return the submit description of a campaign's driver as a local universe job.

    A driver that ends by itself leaves the queue, whatever its exit status; one that is killed starts again.
    """
    executable, *arguments = command
    commands = {
        "universe": "local",
        "executable": executable,
        "arguments": _quote(arguments),
        "environment": _quote([f"{name}={value}" for name, value in variables.items()]),
        "initialdir": str(folder.root),
        "output": str(folder.log),
        "error": str(folder.log),
        "log": str(folder.root / "driver.events.log"),
        "kill_sig": "SIGTERM",
        "on_exit_remove": "ExitBySignal =?= False",
        "batch_name": f"{folder.root.name} driver",
        "My.SonicGridCampaignFolder": quote_classad(str(folder.root)),
    }
    return "\n".join(f"{key} = {value}" for key, value in commands.items()) + "\n\nqueue 1\n"


def quote_classad(text: str) -> str:
    """Return a ClassAd string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quote(words: Sequence[str]) -> str:
    """Quote arguments or variables in HTCondor's new syntax: the whole in double quotes, each word in single ones."""
    quoted = ("'" + word.replace("'", "''").replace('"', '""') + "'" for word in words)
    return '"' + " ".join(quoted) + '"'


def _site_of_slot(slots: Mapping[str, str]) -> str:
    """A ClassAd expression over the matched slot that gives the site's name."""
    expression = quote_classad("")
    for name, belongs in reversed(list(slots.items())):
        expression = f"ifThenElse({belongs}, {quote_classad(name)}, {expression})"
    return expression
