"""The faults as data: what is done, who puts it right, and when each comes; a seed gives the same ones again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FAULTS", "Deed", "Fault", "Planned", "Restorer", "fault_named", "plan_faults"]


class Deed(StrEnum):
    """How a fault is done."""

    KILL = "kill"
    STOP = "stop"
    FILL_DISK = "fill disk"
    DAMAGE_INPUT = "damage input"
    TEAR_LOG = "tear log"
    SUBMIT_AGAIN = "submit again"
    RESTART_POOL = "restart pool"
    KILL_EVERYTHING = "kill everything"


class Restorer(StrEnum):
    """Who puts it right; nobody else may."""

    NOBODY = "nobody"
    ITSELF = "itself"
    OURS = "SonicGrid"
    HTCONDOR = "HTCondor"
    PERSON_SUBMIT = "a person: submit"
    PERSON_POOL = "a person or init: pool up"
    PERSON_BOTH = "a person: pool up, submit"
    PERSON_COLLECT = "a person or init: collect"
    PERSON_SPACE = "a person: space"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: in the table.
        deed: how it is done.
        what: whom it hits, a role of `measure.chaos.cast`; empty where the deed says it.
        restorer: who puts it right.
        after_s: shortest and longest time until a person does, or until it itself, seconds.
        weight: how often it comes, compared with others.
        stands_for: what it is in a computing centre.

    """

    name: str
    deed: Deed
    what: str
    restorer: Restorer
    after_s: tuple[float, float] = (0.0, 0.0)
    weight: int = 2
    stands_for: str = ""


_PERSON_S = (2.0, 6.0)

FAULTS = (
    Fault("submit command", Deed.KILL, "command", Restorer.PERSON_SUBMIT, _PERSON_S, 2, "a closed laptop"),
    Fault("whole driver", Deed.KILL, "driver", Restorer.PERSON_SUBMIT, _PERSON_S, 3, "a login node's reboot"),
    Fault("Snakemake", Deed.KILL, "snakemake", Restorer.PERSON_SUBMIT, _PERSON_S, 2, "the out-of-memory killer"),
    Fault("driver process alone", Deed.KILL, "driver process", Restorer.OURS, _PERSON_S, 1, "the same"),
    Fault("throttle keeper", Deed.KILL, "keeper", Restorer.OURS, stands_for="the same"),
    Fault("schedd", Deed.KILL, "condor_schedd", Restorer.HTCONDOR, weight=3, stands_for="a crash"),
    Fault("startd", Deed.KILL, "condor_startd", Restorer.HTCONDOR, stands_for="a crash"),
    Fault("negotiator", Deed.KILL, "condor_negotiator", Restorer.HTCONDOR, weight=1, stands_for="a crash"),
    Fault("HTCondor's collector", Deed.KILL, "condor_collector", Restorer.HTCONDOR, weight=1, stands_for="a crash"),
    Fault("procd", Deed.KILL, "condor_procd", Restorer.HTCONDOR, weight=1, stands_for="a crash"),
    Fault("master", Deed.KILL, "condor_master", Restorer.PERSON_POOL, (3.0, 10.0), 1, "the out-of-memory killer"),
    Fault("shadow", Deed.KILL, "condor_shadow", Restorer.HTCONDOR, stands_for="a crash"),
    Fault("starter", Deed.KILL, "condor_starter", Restorer.HTCONDOR, stands_for="a worker's trouble"),
    Fault("payload", Deed.KILL, "payload", Restorer.HTCONDOR, weight=3, stands_for="the out-of-memory killer"),
    Fault("one Triton", Deed.KILL, "triton", Restorer.PERSON_POOL, (3.0, 10.0), 2, "a GPU node's crash"),
    Fault("Envoy", Deed.KILL, "envoy", Restorer.PERSON_POOL, (3.0, 10.0), 2, "a load balancer's crash"),
    Fault("dashboard's collector", Deed.KILL, "collector", Restorer.PERSON_COLLECT, _PERSON_S, 1, "a crash"),
    Fault("link cut", Deed.STOP, "relay", Restorer.ITSELF, (4.0, 15.0), 2, "a link on which every packet is lost"),
    Fault("Envoy hangs", Deed.STOP, "envoy", Restorer.ITSELF, (4.0, 15.0), 1, "a balancer out of memory"),
    Fault("output disk full", Deed.FILL_DISK, "", Restorer.PERSON_SPACE, (4.0, 12.0), 2, "a full disk or quota"),
    Fault("input damaged", Deed.DAMAGE_INPUT, "", Restorer.NOBODY, weight=2, stands_for="a bad copy, a bad disk"),
    Fault("torn event log", Deed.TEAR_LOG, "", Restorer.NOBODY, weight=1, stands_for="a writer killed in its write"),
    Fault("submitted twice", Deed.SUBMIT_AGAIN, "", Restorer.NOBODY, weight=1, stands_for="two people"),
    Fault("pool down and up", Deed.RESTART_POOL, "", Restorer.PERSON_POOL, _PERSON_S, 1, "maintenance"),
    Fault("everything at once", Deed.KILL_EVERYTHING, "", Restorer.PERSON_BOTH, _PERSON_S, 1, "a power cut"),
)


@dataclass(frozen=True)
class Planned:
    """One fault at one moment.

    Attributes:
        at_s: seconds after the campaign's first job was handed over.
        fault: name of it.
        after_s: until it is put right, seconds.
        pick: which of several processes or files, 0 to 1.
        variant: how, where a fault can be done in several ways, 0 to 1.

    """

    at_s: float
    fault: str
    after_s: float
    pick: float
    variant: float


def fault_named(name: str) -> Fault:
    """Return a fault.

    Raises:
        KeyError: there is none of that name.

    """
    return {fault.name: fault for fault in FAULTS}[name]


def plan_faults(seed: int, minutes: float, every_s: float = 7.0, only: tuple[str, ...] = ()) -> list[Planned]:
    """Return which faults come when; the same arguments give the same ones.

    Every kind comes before one comes a second time, in an order that the seed decides, so that twenty short runs
    leave none out.

    Args:
        seed: of the random numbers.
        minutes: in which faults come.
        every_s: mean time between two of them, seconds.
        only: names of faults, to choose among these.

    """
    dice = random.Random(seed)  # noqa: S311  # no secret
    choice = [fault for fault in FAULTS if not only or fault.name in only]
    moments = sorted(dice.uniform(0.0, 60.0 * minutes) for _ in range(max(1, round(60.0 * minutes / every_s))))
    kinds: list[Fault] = []
    while len(kinds) < len(moments):
        kinds += sorted(choice, key=lambda fault: dice.random() ** (1.0 / fault.weight), reverse=True)
    return [
        Planned(round(at_s, 2), fault.name, round(dice.uniform(*fault.after_s), 2), dice.random(), dice.random())
        for at_s, fault in zip(moments, kinds, strict=False)
    ]
