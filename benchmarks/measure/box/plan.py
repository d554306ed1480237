"""What a grid in a box consists of: sites, the links between them and the far side, and what campaigns may fill.

site namespace ── uplink (tbf) ── far side                       a site with a link of its own
site namespace ── uplink (tbf) ── wan namespace ── shared link (tbf) ── far side       sites that share one
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BoxPlan", "BoxSite", "Link", "SharedLink"]


@dataclass(frozen=True)
class Link:
    """One link and what campaigns may fill of it.

    Attributes:
        name: of the site whose uplink it is, or of the shared link.
        rate_mbps: what it carries, Mb/s.
        campaign_share: part of it that campaigns may fill.

    """

    name: str
    rate_mbps: float
    campaign_share: float

    @property
    def budget_mbps(self) -> float:
        """What campaigns may send over it, Mb/s."""
        return self.rate_mbps * self.campaign_share


@dataclass(frozen=True)
class SharedLink:
    """A link that several sites send through, after each one's own.

    Attributes:
        link: the link.
        sites: names of the sites behind it.

    """

    link: Link
    sites: tuple[str, ...]


@dataclass(frozen=True)
class BoxSite:
    """One site: so many one-core slots behind one uplink."""

    uplink: Link
    slots: int

    @property
    def name(self) -> str:
        """What its slots advertise as GLIDEIN_Site."""
        return self.uplink.name


@dataclass(frozen=True)
class BoxPlan:
    """Sites and the links that some of them share; a site is behind one shared link at most."""

    sites: tuple[BoxSite, ...]
    shared: tuple[SharedLink, ...] = ()

    @property
    def links(self) -> tuple[Link, ...]:
        """Every link, the sites' own first."""
        return (*(site.uplink for site in self.sites), *(shared.link for shared in self.shared))

    @property
    def slots(self) -> int:
        """Of all sites together."""
        return sum(site.slots for site in self.sites)

    def shared_by(self, site: str) -> SharedLink | None:
        """Return the shared link that a site is behind."""
        return next((shared for shared in self.shared if site in shared.sites), None)

    def binding(self) -> frozenset[str]:
        """Return the names of the links that limit their sites when there is work for all: the ones to be filled.

        A shared link binds where its sites' own budgets add up to more than its own; then theirs cannot all be used.
        """
        names = set()
        for site in self.sites:
            shared = self.shared_by(site.name)
            names.add(shared.link.name if shared is not None and self._is_short(shared) else site.name)
        return frozenset(names)

    def _is_short(self, shared: SharedLink) -> bool:
        together = sum(site.uplink.budget_mbps for site in self.sites if site.name in shared.sites)
        return together > shared.link.budget_mbps
