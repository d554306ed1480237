"""Budgets as HTCondor's concurrency limits, in Mb/s, where we may configure the negotiator.

A job is charged to the links of the site where it lands, by an expression that the negotiator evaluates against the
slot. Names are `net.SITE` for uplinks, `link.NAME` for shared links, `gpu.POOL` for GPU pools, `jobs.SITE` for numbers
of jobs: of these families, a limit that nobody has set is 0, if the administrator wrote so
(`CONCURRENCY_LIMIT_DEFAULT_net = 0`). Without that line HTCondor takes an unknown name for "no limit", and a negotiator
that starts again has forgotten what was set: a pool without it is not one to lean on.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

import htcondor2

from jobs.attributes import attribute_of
from jobs.errors import PoolError
from jobs.running.quote import quote_classad

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FAMILIES", "Negotiator", "gpu_limit", "jobs_limit", "link_limit", "open_negotiator", "site_limit"]

FAMILIES = ("net", "link", "gpu", "jobs")

_PROBE = "net.sonicgrid_probe"
_TAKES_EFFECT_S = 5.0

_SLACK = 1e-3
"""Charges are decimal numbers that add up to the limit; a sum that is off in its last digit must not lose a job."""


def site_limit(site: str) -> str:
    """Return the name of the limit of a site's uplink."""
    return f"net.{attribute_of(site).lower()}"


def link_limit(link: str) -> str:
    """Return the name of the limit of a shared link."""
    return f"link.{attribute_of(link).lower()}"


def gpu_limit(pool: str) -> str:
    """Return the name of the limit of a GPU pool."""
    return f"gpu.{attribute_of(pool).lower()}"


def jobs_limit(site: str) -> str:
    """Return the name of the limit of a site's number of jobs."""
    return f"jobs.{attribute_of(site).lower()}"


class Negotiator:
    """The negotiator of the pool: its limits, and what is in use of them."""

    def __init__(self, collector: htcondor2.Collector) -> None:
        self._collector = collector

    def obstacle(self) -> str:
        """Return why its limits cannot be leaned on; empty if they can. Sets one limit that no job names."""
        try:
            defaults = self._read([f"CONCURRENCY_LIMIT_DEFAULT_{family}" for family in FAMILIES])
            missing = [name for name, value in defaults.items() if value != 0.0]
            if missing:
                return f"the negotiator's configuration lacks {missing[0]} = 0: a limit that is lost would be none"
            value = round(self.limits([_PROBE])[_PROBE] or 0.0) + 1.0
            self.set_limits({_PROBE: value})
            deadline = time.monotonic() + _TAKES_EFFECT_S
            while round(self.limits([_PROBE])[_PROBE] or 0.0) != value:
                if time.monotonic() > deadline:
                    return "the negotiator does not let us set limits"
                time.sleep(0.1)
        except PoolError as error:
            return str(error)
        return ""

    def limits(self, names: list[str]) -> dict[str, float | None]:
        """Return the limits in force; None for one that nobody has set.

        Raises:
            PoolError: the negotiator does not answer.

        """
        found = self._read([f"{name}_LIMIT" for name in names])
        return {name: found[f"{name}_LIMIT"] for name in names}

    def set_limits(self, limits: Mapping[str, float]) -> None:
        """Put limits into force, from the next negotiation cycle on.

        Raises:
            PoolError: the negotiator does not answer or does not let us.

        """
        if not limits:
            return
        try:
            where = self._where()
            remote = htcondor2.RemoteParam(where)
            for name, value in limits.items():
                remote[f"{name}_LIMIT"] = f"{value + _SLACK if value > 0 else 0:.4f}"
            htcondor2.send_command(where, htcondor2.DaemonCommand.Reconfig)
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"the negotiator does not take limits: {error}"
            raise PoolError(message) from error

    def charged_to_others(self, schedds: Iterable[str]) -> dict[str, float]:
        """Return what is charged now to jobs of other schedds, by name of the limit: by the slots' ads.

        Args:
            schedds: names of ours.

        Raises:
            PoolError: the collector does not answer.

        """
        # A claim between two jobs names none; it is its owner's, and about to be used or given up.
        claimed = 'State == "Claimed" && ConcurrencyLimits isnt undefined && GlobalJobId isnt undefined'
        try:
            ads = self._collector.query(htcondor2.AdType.Startd, claimed, ["ConcurrencyLimits", "GlobalJobId"])
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"the collector does not say what is in use: {error}"
            raise PoolError(message) from error
        ours = set(schedds)
        found: dict[str, float] = {}
        for ad in ads:
            if str(ad["GlobalJobId"]).partition("#")[0] in ours:
                continue
            for charge in str(ad["ConcurrencyLimits"]).split(","):
                name, _, amount = charge.partition(":")
                found[name.lower()] = found.get(name.lower(), 0.0) + (_number(amount) or 1.0)
        return found

    def slots_to_have(self, expression: str, owner: str) -> float:
        """Return how many one-core jobs of a user the slots of a site take: those that are free, and the user's own.

        Args:
            expression: ClassAd expression that says which slots belong to the site.
            owner: the user, as slots name whose job they run; empty if no job of the user runs.

        Raises:
            PoolError: the collector does not answer.

        """
        try:
            wanted = f'(State == "Unclaimed" || RemoteOwner =?= {quote_classad(owner)}) && ({expression})'
            ads = self._collector.query(htcondor2.AdType.Startd, wanted, ["Cpus"])
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"the collector does not say which slots are free: {error}"
            raise PoolError(message) from error
        return float(sum(int(ad.get("Cpus", 1)) for ad in ads))

    def hosts(self, expressions: Iterable[str]) -> int:
        """Return on how many hosts the slots of some sites are, whoever has them.

        Args:
            expressions: ClassAd expressions that say which slots belong to each site.

        Raises:
            PoolError: the collector does not answer.

        """
        try:
            wanted = " || ".join(f"({expression})" for expression in expressions)
            ads = self._collector.query(htcondor2.AdType.Startd, wanted, ["Machine"])
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"the collector does not say which hosts there are: {error}"
            raise PoolError(message) from error
        return len({str(ad.get("Machine", "")) for ad in ads})

    def _where(self) -> htcondor2.classad.ClassAd:
        return self._collector.locate(htcondor2.DaemonType.Negotiator)

    def _read(self, names: list[str]) -> dict[str, float | None]:
        try:
            remote = htcondor2.RemoteParam(self._where())
            values = {name: remote.get(name, None) for name in names}
        except (htcondor2.HTCondorException, OSError) as error:
            message = f"the negotiator does not show its configuration: {error}"
            raise PoolError(message) from error
        return {name: _number(value) for name, value in values.items()}


def open_negotiator() -> Negotiator:
    """Return the negotiator of the pool that `jobs.pool.client.enter_pool` entered."""
    return Negotiator(htcondor2.Collector())


def _number(value: str | None) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        number = float(value or "")
        return number if math.isfinite(number) else None
    return None
