"""The page of one campaign: where it stands, what its links carry, what holds it up, what went wrong."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from monitoring.live.links import links_now
from monitoring.live.states import count_states
from monitoring.pages.making import maker
from monitoring.panels import (
    aside,
    blocks,
    efficiency,
    failures,
    headline,
    holds,
    jobs_per_hour,
    latency,
    link_use,
    links,
    notes,
    pool,
    retries,
    speed_up,
    states,
    stragglers,
    throttle,
    throughput,
    usage,
    waiting,
)
from monitoring.panels.panel import Crumb, Panel, Recipe, Source, Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

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
        noted = notes.notes(connection, shown, time.time()) is not None
        several_flavours = len({one.group for one in count_states(connection, "flavour")}) > 1
    flavours = [maker(shown, "flavours", states.COUNTS_EVERY_S, states.flavours)] if several_flavours else []
    noted_by_collector = [maker(shown, "notes", notes.EVERY_S, _notes)] if noted else []
    return Recipe(
        shown.name,
        (OVERVIEW,),
        (
            maker(shown, "headline", headline.EVERY_S, headline.headline),
            *noted_by_collector,
            maker(shown, "states", states.PLOT_EVERY_S, states.states),
            maker(shown, "states-table", states.COUNTS_EVERY_S, states.states_table),
            *flavours,
            *(link_maker(shown, link, every) for link in link_use.drawn(every, links.MOST_DRAWN)),
            maker(shown, "links", links.EVERY_S, links.links),
            maker(shown, "waiting", waiting.EVERY_S, waiting.waiting),
            maker(shown, "throttle", throttle.EVERY_S, throttle.throttle),
            maker(shown, "edits", throttle.EVERY_S, throttle.edits),
            *throughput_makers(shown),
            maker(shown, "jobs-per-hour", jobs_per_hour.EVERY_S, jobs_per_hour.jobs_per_hour),
            maker(shown, "pool", pool.EVERY_S, pool.pool_now),
            maker(shown, "latency", latency.EVERY_S, latency.latency),
            maker(shown, "pool-load", pool.LOAD_EVERY_S, pool.pool),
            maker(shown, "efficiency", efficiency.EVERY_S, efficiency.efficiency),
            maker(shown, "failures", failures.EVERY_S, failures.failures),
            maker(shown, "aside", aside.EVERY_S, aside.aside),
            maker(shown, "holds", holds.EVERY_S, holds.holds),
            maker(shown, "retries", retries.EVERY_S, retries.retries),
            maker(shown, "usage", usage.EVERY_S, usage.usage),
            maker(shown, "speed-up", speed_up.EVERY_S, speed_up.speed_up),
            maker(shown, "stages", speed_up.EVERY_S, speed_up.stages),
            maker(shown, "blocks", blocks.EVERY_S, blocks.blocks),
            maker(shown, "stragglers", stragglers.EVERY_S, stragglers.stragglers),
        ),
    )


def throughput_makers(shown: Shown, site: str = "") -> tuple[PanelMaker, ...]:
    """Return the makers of the plots of throughput, of the campaign or of one site."""
    make = throughput.throughput
    return tuple(maker(shown, key, throughput.EVERY_S, partial(make, key=key, site=site)) for key in throughput.KEYS)


def link_maker(shown: Shown, link: LinkNow, every: Sequence[LinkNow]) -> PanelMaker:
    """Return the maker of a link's plot."""
    key = link_use.link_key(link.name, shared=link.shared, every=every)
    return maker(shown, key, link_use.EVERY_S, partial(link_use.link_use, name=link.name, shared=link.shared))


def _notes(connection: sqlite3.Connection, shown: Shown, now: float) -> Panel:
    found = notes.notes(connection, shown, now)
    if found is not None:
        return found
    source = Source("Notes of the collector.", (str(shown.store),))
    return Panel("notes", "What the collector noted", "Nothing any more.", source, Table((), (), empty="Nothing."))
