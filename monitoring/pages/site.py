"""The page of one site, for its administrator: its link, its jobs, its limits. A shared link has one, too."""

from __future__ import annotations

import difflib
import time
from functools import partial
from typing import TYPE_CHECKING

from monitoring.errors import NoSuchPage
from monitoring.live.links import LinkNow, links_now
from monitoring.live.site_now import sites_known
from monitoring.pages.campaign import OVERVIEW, link_maker, throughput_makers
from monitoring.pages.making import maker
from monitoring.panels import (
    aside,
    efficiency,
    failures,
    jobs_per_hour,
    latency,
    links,
    site_headline,
    site_limits,
    states,
    throttle,
    waiting,
)
from monitoring.panels.link_use import drawn
from monitoring.panels.panel import Crumb, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitoring.panels.panel import PanelMaker
    from monitoring.panels.shown import Shown

__all__ = ["site"]


def site(shown: Shown, site: str) -> Recipe:
    """Return the page of a site, or of a shared link of that name.

    Args:
        shown: the campaign.
        site: name of a site of the campaign, by a site config or by a job, or of a shared link.

    Raises:
        NoSuchPage: the campaign has neither.
        StoreUnusable: there is no store yet, or it is damaged or of another version.

    """
    with shown.reading() as connection:
        every = links_now(connection, time.time())
        known = sites_known(connection)
    crumbs = (OVERVIEW, Crumb(shown.name, shown.path))
    if site in known:
        return Recipe(site, crumbs, tuple(_of_site(shown, site, every)))
    shared = {link.name: link for link in every if link.shared}
    if site in shared:
        return Recipe(f"Shared link {site}", crumbs, tuple(_of_shared_link(shown, shared[site], every)))
    close = difflib.get_close_matches(site, [*known, *shared], n=1)
    there = f"did you mean {close[0]}?" if close else f"its sites are: {', '.join(known[:20]) or 'none yet'}"
    message = f"campaign {shown.name} has no site {site}; {there}"
    raise NoSuchPage(message)


def _of_site(shown: Shown, name: str, every: Sequence[LinkNow]) -> Iterator[PanelMaker]:
    own = LinkNow(name, shared=False, sites=(name,), budget_mbps=0.0, sent_mbps=0.0, running=0)
    yield maker(shown, "headline", site_headline.EVERY_S, partial(site_headline.site_headline, site=name))
    yield link_maker(shown, own, every)
    for link in every:
        if link.shared and name in link.sites:
            yield link_maker(shown, link, every)
    yield maker(shown, "links", links.EVERY_S, partial(links.links, site=name))
    yield maker(shown, "states", states.PLOT_EVERY_S, partial(states.states, site=name))
    yield from throughput_makers(shown, name)
    yield maker(shown, "jobs-per-hour", jobs_per_hour.EVERY_S, partial(jobs_per_hour.jobs_per_hour, site=name))
    yield maker(shown, "waiting", waiting.EVERY_S, partial(waiting.waiting, site=name))
    yield maker(shown, "latency", latency.EVERY_S, partial(latency.latency, site=name))
    yield maker(shown, "efficiency", efficiency.EVERY_S, partial(efficiency.efficiency, site=name))
    yield maker(shown, "failures", failures.EVERY_S, partial(failures.failures, site=name))
    yield maker(shown, "aside", aside.EVERY_S, partial(aside.aside, site=name))
    yield maker(shown, "limits", site_limits.EVERY_S, partial(site_limits.site_limits, site=name))
    yield maker(shown, "throttle", throttle.EVERY_S, partial(throttle.throttle, site=name))
    yield maker(shown, "edits", throttle.EVERY_S, partial(throttle.edits, site=name))


def _of_shared_link(shown: Shown, link: LinkNow, every: Sequence[LinkNow]) -> Iterator[PanelMaker]:
    yield link_maker(shown, link, every)
    for other in drawn([one for one in every if not one.shared and one.name in link.sites], links.MOST_DRAWN):
        yield link_maker(shown, other, every)
    yield maker(shown, "links", links.EVERY_S, partial(links.links, shared=link.name))
    yield maker(shown, "edits", throttle.EVERY_S, partial(throttle.edits, site=link.name, shared=True))
