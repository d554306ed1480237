"""Names of the job ad's attributes by which a campaign talks to its running jobs."""

from __future__ import annotations

__all__ = ["attribute_of", "share_attribute"]


def attribute_of(site: str) -> str:
    """Return a site's name as part of a ClassAd attribute, which holds no '-'."""
    return site.replace("-", "_")


def share_attribute(site: str) -> str:
    """Return the attribute that says how many Mb/s on the wire one job at `site` may send now."""
    return f"SonicGridShare_{attribute_of(site)}"
