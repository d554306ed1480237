"""One quantity over time, group by group, for plots: the same numbers as `rates`, without all the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from monitoring.live.rates import MBPS_PER_BYTE_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitoring.live.bins import Bins

__all__ = ["QUANTITIES", "Over", "Quantity", "QuantitySeries", "over_time"]

Over = Literal["bin", "window", "wall"]


@dataclass(frozen=True)
class Quantity:
    """What is summed, and over what.

    Attributes:
        column: of the store's sums over time.
        factor: it is multiplied with.
        over: the width of the bin, for a rate of all jobs; the time for which jobs ran, for that of one job; or the
            wall time of attempts that ended.
        per: seconds that a rate is of.

    """

    column: str
    factor: float = 1.0
    over: Over = "bin"
    per: float = 1.0


QUANTITIES = {
    "events_per_s": Quantity("events"),
    "hits_per_s": Quantity("hits"),
    "sent_mbps": Quantity("bytes_sent", MBPS_PER_BYTE_S),
    "sent_mbps_per_job": Quantity("bytes_sent", MBPS_PER_BYTE_S, over="window"),
    "paced_share": Quantity("paced_s", over="window"),
    "inference_share": Quantity("inference_s", over="window"),
    "cpu_efficiency": Quantity("cpu_s", over="wall"),
    "jobs_per_h": Quantity("attempts_done", per=3600.0),
    "failures_per_h": Quantity("attempts_failed", per=3600.0),
}
"""By the name that they have in `Rates`."""

_OVER = {"bin": "window_s", "window": "window_s", "wall": "wall_s"}


@dataclass(frozen=True)
class QuantitySeries:
    """One group.

    Attributes:
        group: site or flavour; empty for all.
        values: one per bin; 0 where nothing was said, and None for a quotient of nothing.
        total: sum over all bins of what is summed, to tell large groups from small ones.

    """

    group: str
    values: tuple[float | None, ...]
    total: float


def over_time(
    connection: sqlite3.Connection,
    bins: Bins,
    name: str,
    by: Literal["", "site", "flavour"] = "",
    *,
    sites: Sequence[str] = (),
) -> list[QuantitySeries]:
    """Return one of `QUANTITIES` in each bin, the largest group first.

    Args:
        connection: of the store.
        bins: of the plot.
        name: of the quantity.
        by: what groups are told apart by.
        sites: that count; all by default.

    """
    quantity = QUANTITIES[name]
    marks = f"AND site IN ({', '.join('?' * len(sites))})" if sites else ""
    rows = connection.execute(
        f"SELECT {by or repr('')}, at / ? * ?, sum({quantity.column}), sum({_OVER[quantity.over]}) FROM rollups "
        f"WHERE bin_s = ? AND at >= ? AND at < ? {marks} GROUP BY 1, 2",
        (bins.bin_s, bins.bin_s, bins.of_store_s, bins.starts[0], bins.end, *sites),
    )
    width = len(bins.starts)
    sums: dict[str, list[float]] = {}
    lengths: dict[str, list[float]] = {}
    for group, at, value, length_s in rows:
        place = bins.place(at)
        sums.setdefault(group, [0.0] * width)[place] = value
        lengths.setdefault(group, [0.0] * width)[place] = bins.bin_s if quantity.over == "bin" else length_s
    scale = quantity.factor * quantity.per
    nothing = 0.0 if quantity.over == "bin" else None
    found = [
        QuantitySeries(
            group,
            tuple(
                value * scale / length if length else nothing
                for value, length in zip(values, lengths[group], strict=True)
            ),
            sum(values),
        )
        for group, values in sums.items()
    ]
    return sorted(found, key=lambda series: (-series.total, series.group))
