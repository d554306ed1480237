"""The budget of a link as it was at each moment: people change it while a campaign runs.

For a site the throttle wrote down every budget that it kept to. A shared link has no such diary: its budget is that of
now, taken back edit by edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic_core import PydanticCustomError

from jobs.spec.units import RATE, SHARE
from monitoring.live.links import Edited, grid_now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from typing import Any

    from jobs.spec.units import Quantity
    from monitoring.live.bins import Bins

__all__ = ["Budgets", "budgets_of", "edits_about"]


@dataclass(frozen=True)
class Budgets:
    """Steps of a budget.

    Attributes:
        at: when each came into force, seconds since the epoch, oldest first; the first one was in force before, too.
        mbps: Mb/s from then on; None where it is not known.

    """

    at: tuple[float, ...]
    mbps: tuple[float | None, ...]

    def in_bins(self, bins: Bins) -> tuple[float | None, ...]:
        """Return the mean budget of each bin, as what is sent is a mean, too; None where a part is not known."""
        if not self.at:
            return (None,) * len(bins.starts)
        edges = np.array((*bins.starts, bins.end), dtype=np.float64)
        begin, end = min(edges[0], self.at[0]), max(edges[-1], self.at[-1]) + 1.0
        knots = np.array((begin, *self.at[1:], end), dtype=np.float64)
        known = np.array([0.0 if mbps is None else 1.0 for mbps in self.mbps])
        values = np.array([mbps or 0.0 for mbps in self.mbps])
        means, parts = (_means(knots, steps, edges) for steps in (values, known))
        return tuple(float(mean) if part > 1 - 1e-9 else None for mean, part in zip(means, parts, strict=True))


def budgets_of(connection: sqlite3.Connection, name: str, *, shared: bool) -> Budgets:
    """Return the budgets that a site's uplink, or a shared link, had.

    Args:
        connection: of the store.
        name: of the site or the shared link.
        shared: which of them.

    """
    grid = grid_now(connection)
    known = grid["shared_links"].get(name) if shared else grid["sites"].get(name, {}).get("budget_mbps")
    now = None if known is None else float(known)
    found = _taken_back(connection, name, now, grid, shared=shared)
    if shared:
        return found
    rows = connection.execute("SELECT at, budget_mbps FROM decisions WHERE site = ? ORDER BY at, rowid", (name,))
    steps: list[tuple[float, float | None]] = []
    for at, mbps in rows:
        if not steps or steps[-1][1] != mbps:
            steps.append((float(at), float(mbps)))
    if not steps:
        return found
    if now is not None and steps[-1][1] != now and found.at[-1] > steps[-1][0]:
        # In force, and the throttle has not looked yet.
        steps.append((found.at[-1], now))
    return Budgets(tuple(at for at, _ in steps), tuple(mbps for _, mbps in steps))


def edits_about(
    connection: sqlite3.Connection, name: str = "", *, shared: bool = False, most: int = 20
) -> list[Edited]:
    """Return the last edits, newest first.

    Args:
        connection: of the store.
        name: of a site, or of a shared link; empty for all edits. Those of a site's shared links and GPU pool are its
            own, too.
        shared: whether it is a shared link.
        most: edits.

    """
    grid = grid_now(connection)
    prefixes = [f"shared_links.{name}."] if shared else []
    if name and not shared:
        keys = grid["sites"].get(name, {})
        prefixes += [f"shared_links.{link}." for link in keys.get("shared_links", ())]
        prefixes += [f"gpu_pools.{keys['gpu_pool']}."] if keys.get("gpu_pool") else []
    of_links = " OR ".join(["substr(key, 1, ?) = ?"] * len(prefixes)) or "0"
    values = [part for prefix in prefixes for part in (len(prefix), prefix)]
    rows = connection.execute(
        "SELECT at, who, file, key, before, after FROM edits "
        f"WHERE ? = '' OR (file = ? AND NOT ?) OR (file = 'links' AND ({of_links})) "
        "ORDER BY at DESC, rowid DESC LIMIT ?",
        (name, name, shared, *values, most),
    )
    return [Edited(*row) for row in rows]


def _taken_back(
    connection: sqlite3.Connection, name: str, now: float | None, grid: Mapping[str, Any], *, shared: bool
) -> Budgets:
    """Return the budgets by the edits alone, from that of now."""
    file, prefix = ("links", f"shared_links.{name}.") if shared else (name, "")
    rate_key, share_key = (f"{prefix}rate", f"{prefix}campaign_share") if shared else ("uplink", "campaign_share")
    rows = connection.execute(
        "SELECT at, key, before, after FROM edits WHERE file = ? AND key IN (?, ?) ORDER BY at DESC, rowid DESC",
        (file, rate_key, share_key),
    ).fetchall()
    if now is None and not rows:
        return Budgets((), ())
    rate, share = _parts_now(grid, name, rows, rate_key, share_key, now, shared=shared)
    steps: list[tuple[float, float | None]] = []
    budget = now
    for at, key, before, _ in rows:
        if not steps or steps[-1][0] != at:
            steps.append((float(at), budget))
        if key == rate_key:
            rate = _read(RATE, before)
        else:
            share = _read(SHARE, before)
        budget = None if rate is None or share is None else rate * share
    steps.append((0.0, budget))
    steps.reverse()
    return Budgets(tuple(at for at, _ in steps), tuple(mbps for _, mbps in steps))


def _parts_now(
    grid: Mapping[str, Any],
    name: str,
    rows: Sequence[tuple[float, str, str, str]],
    rate_key: str,
    share_key: str,
    budget: float | None,
    *,
    shared: bool,
) -> tuple[float | None, float | None]:
    """Return rate and share in force, as the site configs or the newest edits say them, or the budget and the other."""
    parts = grid.get("links", {}).get(name, {}) if shared else grid["sites"].get(name, {})
    newest = {key: after for _, key, _, after in reversed(rows)}
    rate = parts["rate_mbps"] if "rate_mbps" in parts else _read(RATE, newest.get(rate_key, ""))
    share = parts["campaign_share"] if "campaign_share" in parts else _read(SHARE, newest.get(share_key, ""))
    if rate is None and share and budget is not None:
        rate = budget / share
    if share is None and rate and budget is not None:
        share = budget / rate
    return rate, share


def _read(quantity: Quantity, written: str) -> float | None:
    """Return what stands in a log of edits, where `to` is as people write it; None for nothing."""
    try:
        return quantity.parse(written)
    except PydanticCustomError:
        return None


def _means(
    knots: np.ndarray[tuple[int], np.dtype[np.float64]],
    steps: np.ndarray[tuple[int], np.dtype[np.float64]],
    edges: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the mean of a step function between edges."""
    sums = np.concatenate(([0.0], np.cumsum(steps * np.diff(knots))))
    return np.diff(np.interp(edges, knots, sums)) / np.diff(edges)
