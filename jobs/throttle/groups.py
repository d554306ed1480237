"""Which sites take jobs from the same clusters: those that one submit description fits.

Where the negotiator charges every job to the site where it lands, a job may go to any site. Where we cannot configure
it, each site has clusters of its own, so that their size is the site's limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.spec.environment import Environment
    from jobs.spec.site import Site

__all__ = ["Group", "groups_of"]

Kind = Literal["negotiator", "materialize"]


@dataclass(frozen=True)
class Group:
    """Sites that one cluster may run at.

    Attributes:
        sites: their names.
        admission: who admits its jobs.
        flavours: of the manifest's jobs, those that go here.
        runs_as: flavour that they get; empty to leave it.

    """

    sites: tuple[str, ...]
    admission: Kind
    flavours: frozenset[str]
    runs_as: str = ""

    @property
    def uses_network(self) -> bool:
        """Whether some of its jobs may send anything."""
        return self.runs_as != "cpu" and self.flavours != frozenset({"cpu"})


def groups_of(sites: Mapping[str, Site], admission: Mapping[str, Kind], flavours: Iterable[str]) -> list[Group]:
    """Return the groups of a campaign, those that use the network first.

    Args:
        sites: by name.
        admission: by site.
        flavours: that occur in the manifest.

    """
    every = frozenset(flavours)
    groups: list[Group] = []
    for environment in _environments(sites):
        here = [name for name, site in sites.items() if site.environment == environment]
        together = tuple(name for name in here if admission[name] == "negotiator")
        if together:
            groups.append(Group(together, "negotiator", every))
        for name in here:
            if admission[name] == "materialize":
                if remote := every - {"cpu"}:
                    groups.append(Group((name,), "materialize", remote, "gpu"))
                if local := every - {"gpu"}:
                    groups.append(Group((name,), "materialize", local, "cpu"))
    return sorted(groups, key=lambda group: not group.uses_network)


def _environments(sites: Mapping[str, Site]) -> list[Environment | None]:
    found: list[Environment | None] = []
    for site in sites.values():
        if site.environment not in found:
            found.append(site.environment)
    return found
