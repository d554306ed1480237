"""Job numbers as text that fits into a ClassAd and that a person can read: "0-499,503"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["read_ranges", "write_ranges"]

_MOST = 10_000_000
"""No campaign has so many jobs; a damaged run of more would take all memory."""


def write_ranges(numbers: Iterable[int]) -> str:
    """Return the numbers, in their order, each run of consecutive ones as first-last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] + 1 == number:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def read_ranges(text: str) -> tuple[int, ...]:
    """Return the numbers of `write_ranges`, in their order.

    Raises:
        ValueError: the text is not one of `write_ranges`, or numbers more jobs than a campaign can have.

    """
    numbers: list[int] = []
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        start, stop = int(first), int(last or first) + 1
        if stop > _MOST:
            message = f"{run}: no campaign has a job of that number"
            raise ValueError(message)
        numbers.extend(range(start, stop))
    return tuple(numbers)
