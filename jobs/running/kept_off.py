"""Where jobs do not go for now: hosts and sites that fail what they get, and the worker that failed a job before."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.running.quote import quote_classad

__all__ = ["ANY_OTHER", "TRIAL_ATTRIBUTE", "KeptOff"]

ANY_OTHER = "*"

TRIAL_ATTRIBUTE = "SonicGridTrialOf"
"""Attribute of the one job that may try a host or a site that is set aside: its name."""


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
