"""Names of the job ad's attributes that belong to a site: the throttle edits them, the payload reads them.

Both sides import this module alone, so it must stay cheap.
"""

from __future__ import annotations

__all__ = ["SHARE_PREFIX", "attribute_of", "share_attribute"]

SHARE_PREFIX = "SonicGridShare_"


def attribute_of(site_name: str) -> str:
    """Return the site's name as a part of a ClassAd attribute's name, which has no '-'.

    Site configs whose names become the same are refused when they are read.
    """
    return site_name.replace("-", "_")


def share_attribute(site_name: str) -> str:
    """Return the attribute that holds what one job at the site may send now, a float, Mb/s on the wire."""
    return SHARE_PREFIX + attribute_of(site_name)
