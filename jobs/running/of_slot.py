"""What a job asks of a slot, and what it is charged there: ClassAd expressions that are evaluated when it gets one.

A campaign's jobs may take slots of several sites, and each site has terms of its own, that change while they wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.attributes import attribute_of
from jobs.exits import EXITS
from jobs.running.kept_off import TRIAL_ATTRIBUTE
from jobs.running.quote import quote_classad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobs.running.describe import Limit

__all__ = ["charge_of_slot", "flavour_of_slot", "limits_of_slot", "requirements", "site_of_slot"]

NO_NETWORK = "cpu.sonicgrid:1"
"""Limit of a job that uses no network: of a name that nobody sets, which is none. An empty list of limits would leave
those of the job before it on a slot."""


def requirements(slots: Mapping[str, str]) -> str:
    """A ClassAd expression over a slot: it belongs to a site that takes the job, and nothing there is set aside.

    One job may try what is set aside. A job that its last worker failed goes to another one if others work: otherwise
    the worker that fails everything, which is always free, would use up all its retries within seconds.
    """
    sites = " || ".join(_wanted(site, expression) for site, expression in slots.items())
    host = "stringListIMember(TARGET.Machine, MY.SonicGridHostsAside) =!= True"
    site = "stringListMember(MY.SonicGridSiteOfSlot, MY.SonicGridSitesAside) =!= True"
    # As HTCondor names it, SLOT@MACHINE; undefined before its first.
    other = 'substr(MY.LastRemoteHost, -(size(TARGET.Machine) + 1)) =!= strcat("@", TARGET.Machine)'
    not_to_blame = ", ".join(str(row.code) for row in EXITS.values() if row.waits or not row.retry)
    fresh = f"MY.NumJobCompletions =?= 0 || member(MY.ExitCode, {{{not_to_blame}}}) =?= True"
    # Without `?:`: the negotiator, which simplifies requirements, gets that wrong.
    anywhere = 'MY.SonicGridElsewhere =?= "" || MY.SonicGridElsewhere =?= TARGET.Machine'
    return (
        f"({sites}) && ({host} || MY.{TRIAL_ATTRIBUTE} =?= TARGET.Machine)"
        f" && ({site} || MY.{TRIAL_ATTRIBUTE} =?= MY.SonicGridSiteOfSlot)"
        f" && ({anywhere} || {fresh} || {other})"
    )


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


def site_of_slot(slots: Mapping[str, str]) -> str:
    """A ClassAd expression over the matched slot that gives the site's name."""
    expression = quote_classad("")
    for name, belongs in reversed(list(slots.items())):
        expression = f"ifThenElse({belongs}, {quote_classad(name)}, {expression})"
    return expression


def flavour_of_slot(sites: Sequence[str]) -> str:
    """A ClassAd expression that gives the flavour, gpu or cpu, that the job has on the matched slot."""
    decided = _by_site({site: f"MY.SonicGridFlavour_{attribute_of(site)}" for site in sites}, '"gpu"')
    return f'ifThenElse(MY.SonicGridFlavour == "auto", {decided}, MY.SonicGridFlavour)'


def charge_of_slot(sites: Sequence[str]) -> str:
    """A ClassAd expression that gives the Mb/s, as text, that the job is admitted with on the matched slot."""
    charges = _by_site({site: f"MY.SonicGridCharge_{attribute_of(site)}" for site in sites}, '"0"')
    return f'ifThenElse(MY.SonicGridFlavourOfSlot == "cpu", "0", {charges})'


def limits_of_slot(limits: Mapping[str, Sequence[Limit]]) -> str:
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
