"""A block's jobs as a submit description: pure text, so that a test can read it and a person too.

The jobs are itemdata, HTCondor materializes them as slots take them. What the throttle changes while they run are
attributes of the cluster, one per site: what a job is admitted with, what it may send, which flavour the next one has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobs.attributes import attribute_of, planned_attribute, share_attribute
from jobs.exits import EXITS
from jobs.running.hold import PoolPauses, policy_commands
from jobs.running.quote import quote_classad, quote_words
from jobs.running.ranges import write_ranges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobs.layout import BlockFolder, CampaignFolder
    from jobs.running.launch import Launch

__all__ = [
    "ANY_OTHER",
    "EVENT_NOTE",
    "TRIAL_ATTRIBUTE",
    "ClusterRequest",
    "KeptOff",
    "Limit",
    "SiteTerms",
    "describe",
    "describe_driver",
    "terms_attributes",
]

EVENT_NOTE = "sonicgrid job "
"""What stands before the job's number in the notes of its submit event."""

ANY_OTHER = "*"

TRIAL_ATTRIBUTE = "SonicGridTrialOf"
"""Attribute of the one job that may try a host or a site that is set aside: its name."""

MAX_IDLE = 200
"""Jobs of one cluster that wait in the queue at once; the rest is not materialized yet."""

LANES = 16
"""Groups of idle jobs that HTCondor matches one by one: where the limit depends on the match, each group gets one match
in a negotiation cycle (and all jobs alike would be one group)."""

NO_NETWORK = "cpu.sonicgrid:1"
"""Limit of a job that uses no network: of a name that nobody sets, which is none. An empty list of limits would leave
those of the job before it on a slot."""


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
class KeptOff:
    """Where a cluster's jobs do not go for now, although their sites take them; it changes while they are in the queue.

    Attributes:
        hosts: machines that fail what they get, by the name that slots call them.
        sites: the same of sites.
        elsewhere: where a job goes that its worker failed: `ANY_OTHER`, to any other worker; the name of the only one
            that works, there or to any other; empty, to any.

    """

    hosts: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    elsewhere: str = ""

    def attributes(self) -> dict[str, str]:
        """Return the attributes that tell it, as ClassAd expressions."""
        return {
            "SonicGridHostsAside": quote_classad(",".join(self.hosts)),
            "SonicGridSitesAside": quote_classad(",".join(self.sites)),
            "SonicGridElsewhere": quote_classad(self.elsewhere),
        }


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
        "requirements": _requirements(request.slots),
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
        "My.SonicGridSiteOfSlot": _site_of_slot(request.slots),
        "My.SonicGridFlavourOfSlot": _flavour_of_slot(list(request.slots)),
        "My.SonicGridChargeOfSlot": _charge_of_slot(list(request.slots)),
        # HTCondor fills these in when the job gets its slot.
        "My.SonicGridSite": '"$$([SonicGridSiteOfSlot])"',
        "My.SonicGridCharge": '"$$([SonicGridChargeOfSlot])"',
    }
    commands |= {f"My.{name}": value for name, value in request.kept_off.attributes().items()}
    for site, terms in request.terms.items():
        commands |= {f"My.{name}": value for name, value in terms_attributes(site, terms).items()}
    if any(request.limits.values()):
        commands |= {"lane": f"$(Process) % {LANES}", "My.SonicGridLane": "$INT(lane)"}
        commands["concurrency_limits_expr"] = _limits_of_slot(request.limits)
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


def _requirements(slots: Mapping[str, str]) -> str:
    """A ClassAd expression over a slot: it belongs to a site that takes the job, and nothing there is set aside.

    One job may try what is set aside. A job that its last worker failed goes to another one if others work: otherwise
    the worker that fails everything, which is always free, would use up all its retries within seconds.
    """
    sites = " || ".join(_wanted(site, expression) for site, expression in slots.items())
    host = "stringListIMember(TARGET.Machine, MY.SonicGridHostsAside) =!= True"
    site = "stringListMember(MY.SonicGridSiteOfSlot, MY.SonicGridSitesAside) =!= True"
    # As HTCondor names it, SLOT@MACHINE.
    other = f'substr({_LAST_HOST}, -(size(TARGET.Machine) + 1)) =!= strcat("@", TARGET.Machine)'
    not_to_blame = ", ".join(str(row.code) for row in EXITS.values() if row.waits or not row.retry)
    fresh = f"MY.NumJobCompletions =?= 0 || member(MY.ExitCode, {{{not_to_blame}}}) =?= True"
    anywhere = '(MY.SonicGridElsewhere ?: "") == "" || MY.SonicGridElsewhere =?= TARGET.Machine'
    return (
        f"({sites}) && ({host} || MY.{TRIAL_ATTRIBUTE} =?= TARGET.Machine)"
        f" && ({site} || MY.{TRIAL_ATTRIBUTE} =?= MY.SonicGridSiteOfSlot)"
        f" && ({anywhere} || {fresh} || {other})"
    )


_LAST_HOST = '(MY.LastRemoteHost ?: "")'


def _wanted(site: str, expression: str) -> str:
    """A ClassAd expression over a slot that says whether a job may run there."""
    takes = f'(MY.SonicGridTakes_{attribute_of(site)} || MY.SonicGridFlavourOfSlot == "cpu")'
    return f"(({expression}) && {takes})"


def _by_site(of_site: Mapping[str, str], otherwise: str) -> str:
    """A ClassAd expression that picks by the site of the matched slot."""
    expression = otherwise
    for site, value in reversed(list(of_site.items())):
        expression = f"ifThenElse(MY.SonicGridSiteOfSlot == {quote_classad(site)}, {value}, {expression})"
    return expression


def _site_of_slot(slots: Mapping[str, str]) -> str:
    """A ClassAd expression over the matched slot that gives the site's name."""
    expression = quote_classad("")
    for name, belongs in reversed(list(slots.items())):
        expression = f"ifThenElse({belongs}, {quote_classad(name)}, {expression})"
    return expression


def _flavour_of_slot(sites: Sequence[str]) -> str:
    decided = _by_site({site: f"MY.SonicGridFlavour_{attribute_of(site)}" for site in sites}, '"gpu"')
    return f'ifThenElse(MY.SonicGridFlavour == "auto", {decided}, MY.SonicGridFlavour)'


def _charge_of_slot(sites: Sequence[str]) -> str:
    charges = _by_site({site: f"MY.SonicGridCharge_{attribute_of(site)}" for site in sites}, '"0"')
    return f'ifThenElse(MY.SonicGridFlavourOfSlot == "cpu", "0", {charges})'


def _limits_of_slot(limits: Mapping[str, Sequence[Limit]]) -> str:
    """A ClassAd expression that gives the concurrency limits that a job is charged to on the matched slot.

    Without a slot it must be undefined. The negotiator evaluates it once without one, and if that gives a text it
    holds the job to those limits wherever it goes; a `=?=` in the expression of a site's slots is enough for that.
    """
    gpu, cpu = {}, {}
    for site, named in limits.items():
        charged = [f'"{limit.name}:", MY.SonicGridChargeOfSlot' for limit in named if limit.unit == "mbps"]
        counted = [f'"{limit.name}:1"' for limit in named if limit.unit != "mbps"]
        always = [f'"{limit.name}:1"' for limit in named if limit.unit == "any job"]
        gpu[site] = _joined([*charged, *counted])
        cpu[site] = _joined([quote_classad(NO_NETWORK), *always])
    nothing = quote_classad(NO_NETWORK)
    chosen = f'ifThenElse(MY.SonicGridFlavourOfSlot == "cpu", {_by_site(cpu, nothing)}, {_by_site(gpu, nothing)})'
    # The lane makes idle jobs differ, and changes nothing.
    return f'ifThenElse(TARGET.Name == "", undefined, strcat({chosen}, substr("x", 1 + 0 * MY.SonicGridLane)))'


def _joined(texts: Sequence[str]) -> str:
    """A ClassAd expression that joins texts with commas; each may be several arguments of strcat."""
    return "strcat(" + ', ",", '.join(texts) + ")"
