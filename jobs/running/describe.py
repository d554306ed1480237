"""A block's jobs as a submit description: pure text, so that a test can read it and a person too.

The jobs are itemdata, HTCondor materializes them as slots take them. What the throttle changes while they run are
attributes of the cluster, one per site: what a job is admitted with, what it may send, which flavour the next one has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.attributes import attribute_of, planned_attribute, share_attribute
from jobs.running.hold import PoolPauses, policy_commands
from jobs.running.kept_off import KeptOff
from jobs.running.of_slot import charge_of_slot, flavour_of_slot, limits_of_slot, requirements, site_of_slot
from jobs.running.quote import quote_classad, quote_words
from jobs.running.ranges import write_ranges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.running.launch import Launch

__all__ = [
    "EVENT_NOTE",
    "ClusterRequest",
    "Limit",
    "SiteTerms",
    "describe",
    "describe_driver",
    "terms_attributes",
]

EVENT_NOTE = "sonicgrid job "
"""What stands before the job's number in the notes of its submit event."""

MAX_IDLE = 200
"""Jobs of one cluster that wait in the queue at once; the rest is not materialized yet."""

LANES = 16
"""Groups of idle jobs that HTCondor matches one by one: where the limit depends on the match, each group gets one match
in a negotiation cycle (and all jobs alike would be one group)."""


@dataclass(frozen=True)
class SiteTerms:
    """What a job gets at one site, as the throttle says; it changes while the jobs are in the queue.

    Attributes:
        charge_mbps: Mb/s that a job of the gpu flavour is admitted with.
        share_mbps: Mb/s on the wire that it may send.
        flavour: of the next job with `flavour: auto`: gpu or cpu.
        planned_mbps: Mb/s that the campaign's jobs there may grow to, for other campaigns to know.
        takes_more: whether jobs that use the network may start there. Without it a slot whose job ends gets the next
            one at once, and the negotiator, with its limits, is not asked.

    """

    charge_mbps: float
    share_mbps: float
    flavour: str = "gpu"
    planned_mbps: float = 0.0
    takes_more: bool = True


@dataclass(frozen=True)
class Limit:
    """A concurrency limit of the negotiator.

    Attributes:
        name: as the negotiator knows it.
        unit: what a job is charged: "mbps", its Mb/s; "job", one; "any job", one also if it uses no network.

    """

    name: str
    unit: str


@dataclass(frozen=True)
class ClusterRequest:
    """What one cluster asks of HTCondor.

    Attributes:
        campaign: name of the campaign.
        folder: the campaign's folder, by which its jobs are found again in the queue.
        digest: digest of its manifest.
        block: number of the block.
        slots: by site name, the ClassAd expression that says which slots belong to it.
        terms: by site name.
        limits: by site name, the concurrency limits that a job there is charged to; none where the negotiator is not
            ours to configure.
        most_jobs: most jobs of this cluster in the queue at once; 0 for no limit.
        runs_as: flavour that all its jobs get; empty if each has its own.
        memory_mb, disk_mb: per job.
        max_runtime_s: longest that one attempt may run.
        max_retries: attempts after the first.
        pauses: for jobs that the inference pool does not answer.
        kept_off: where the jobs do not go for now.

    """

    campaign: str
    folder: Path
    digest: str
    block: int
    slots: Mapping[str, str]
    terms: Mapping[str, SiteTerms]
    limits: Mapping[str, Sequence[Limit]]
    most_jobs: int
    runs_as: str
    memory_mb: int
    disk_mb: int
    max_runtime_s: int
    max_retries: int
    pauses: PoolPauses = field(default_factory=PoolPauses)
    kept_off: KeptOff = field(default_factory=KeptOff)


def describe(folder: BlockFolder, jobs: Sequence[tuple[int, str]], request: ClusterRequest, launch: Launch) -> str:
    """Return the submit description of one cluster, queue statement included.

    Args:
        folder: of the block.
        jobs: number and flavour (gpu, cpu or auto) of each.
        request: what it asks.
        launch: how they start on a worker.

    """
    commands = {
        **launch.commands,
        "environment": quote_words(
            ["SONICGRID_SITE=$$([SonicGridSiteOfSlot])", "SONICGRID_FLAVOUR=$$([SonicGridFlavourOfSlot])"]
        ),
        "initialdir": str(folder.root),
        "log": str(folder.events_log),
        "submit_event_notes": f"{EVENT_NOTE}$(job)",
        "getenv": "False",
        "requirements": requirements(request.slots),
        "request_cpus": "1",
        "request_memory": f"{request.memory_mb}MB",
        "request_disk": f"{request.disk_mb + launch.extra_disk_mb}MB",
        "batch_name": request.campaign,
        **policy_commands(request.max_retries, request.pauses),
        "kill_sig": "SIGTERM",
        "allowed_execute_duration": str(request.max_runtime_s),
        "max_idle": str(MAX_IDLE),
        # A running job reads its share again and tells what it does through the starter.
        "My.WantIOProxy": "True",
        "My.SonicGridCampaign": quote_classad(request.campaign),
        "My.SonicGridDigest": quote_classad(request.digest),
        "My.SonicGridBlock": str(request.block),
        "My.SonicGridCampaignFolder": quote_classad(str(request.folder)),
        "My.SonicGridSites": quote_classad(",".join(request.slots)),
        "My.SonicGridRunsAs": quote_classad(request.runs_as),
        "My.SonicGridJobs": quote_classad(write_ranges(job for job, _ in jobs)),
        "My.SonicGridJob": "$(job)",
        "My.SonicGridFlavour": '"$(flavour)"',
        "My.SonicGridSiteOfSlot": site_of_slot(request.slots),
        "My.SonicGridFlavourOfSlot": flavour_of_slot(list(request.slots)),
        "My.SonicGridChargeOfSlot": charge_of_slot(list(request.slots)),
        # HTCondor fills these in when the job gets its slot.
        "My.SonicGridSite": '"$$([SonicGridSiteOfSlot])"',
        "My.SonicGridCharge": '"$$([SonicGridChargeOfSlot])"',
    }
    commands |= {f"My.{name}": value for name, value in request.kept_off.attributes().items()}
    for site, terms in request.terms.items():
        commands |= {f"My.{name}": value for name, value in terms_attributes(site, terms).items()}
    if any(request.limits.values()):
        commands |= {"lane": f"$(Process) % {LANES}", "My.SonicGridLane": "$INT(lane)"}
        commands["concurrency_limits_expr"] = limits_of_slot(request.limits)
    if request.most_jobs:
        commands["max_materialize"] = str(request.most_jobs)
    lines = [f"{key} = {value}" for key, value in commands.items()]
    items = [(job, request.runs_as or flavour) for job, flavour in jobs]
    return "\n".join(lines) + f"\n\n{launch.queue(items)}\n"


def terms_attributes(site: str, terms: SiteTerms) -> dict[str, str]:
    """Return the attributes that tell the terms of a site, as ClassAd expressions."""
    name = attribute_of(site)
    return {
        # Text: HTCondor writes a real number with an exponent, and would read it as a charge of 1.
        f"SonicGridCharge_{name}": quote_classad(f"{terms.charge_mbps:.2f}"),
        share_attribute(site): f"{terms.share_mbps:.4f}",
        f"SonicGridFlavour_{name}": quote_classad(terms.flavour),
        planned_attribute(site): f"{terms.planned_mbps:.2f}",
        f"SonicGridTakes_{name}": str(terms.takes_more),
    }


def describe_driver(folder: CampaignFolder, command: Sequence[str], variables: Mapping[str, str]) -> str:
    """Return the submit description of a campaign's driver as a local universe job.

    A driver that ends by itself leaves the queue, whatever its exit status; one that is killed starts again.
    """
    executable, *arguments = command
    commands = {
        "universe": "local",
        "executable": executable,
        "arguments": quote_words(arguments),
        "environment": quote_words([f"{name}={value}" for name, value in variables.items()]),
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
