"""The page of one campaign: where it stands, what its links carry, what holds it up, what went wrong."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from monitoring.live.links import links_now
from monitoring.live.states import count_states
from monitoring.pages.making import maker
from monitoring.panels import blocks, headline, jobs_per_hour, link_use, links, states, throttle, throughput
from monitoring.panels.panel import Crumb, Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitoring.live.links import LinkNow
    from monitoring.panels.panel import PanelMaker
    from monitoring.panels.shown import Shown

__all__ = ["campaign"]

OVERVIEW = Crumb("Campaigns", "")


def campaign(shown: Shown) -> Recipe:
    """Return the page of one campaign.

    Raises:
        StoreUnusable: there is no store yet, or it is damaged or of another version.

    """
    with shown.reading() as connection:
        every = links_now(connection, time.time())
        several_flavours = len({one.group for one in count_states(connection, "flavour")}) > 1
    return Recipe(shown.name, (OVERVIEW,), tuple(_makers(shown, every, several_flavours=several_flavours)))


def _makers(shown: Shown, every: Sequence[LinkNow], *, several_flavours: bool) -> Iterator[PanelMaker]:
    yield maker(shown, "headline", headline.EVERY_S, headline.headline)
    yield maker(shown, "states", states.PLOT_EVERY_S, states.states)
    yield maker(shown, "states-table", states.COUNTS_EVERY_S, states.states_table)
    if several_flavours:
        yield maker(shown, "flavours", states.COUNTS_EVERY_S, states.flavours)
    for link in link_use.by_interest(every)[: links.MOST_DRAWN]:
        yield link_maker(shown, link.name, every, shared=link.shared)
    yield maker(shown, "links", links.EVERY_S, links.links)
    yield maker(shown, "throttle", throttle.EVERY_S, throttle.throttle)
    yield maker(shown, "edits", throttle.EVERY_S, throttle.edits)
    for key in throughput.KEYS:
        yield maker(shown, key, throughput.EVERY_S, partial(throughput.throughput, key=key))
    yield maker(shown, "jobs-per-hour", jobs_per_hour.EVERY_S, jobs_per_hour.jobs_per_hour)
    yield maker(shown, "blocks", blocks.EVERY_S, blocks.blocks)


def link_maker(shown: Shown, name: str, every: Sequence[LinkNow], *, shared: bool) -> PanelMaker:
    """Return the maker of a link's plot."""
    key = link_use.link_key(name, shared=shared, every=every)
    return maker(shown, key, link_use.EVERY_S, partial(link_use.link_use, name=name, shared=shared))
