"""Spreads work on many files over the cores of this machine, in order and with progress."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

from jobs.errors import CampaignError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

__all__ = ["Progress", "silent", "spread"]

Progress = Callable[[int, int], None]
"""Called with the number of things done so far and the number of all."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def silent(_done: int, _total: int) -> None:
    """Say nothing about progress."""


def spread(
    function: Callable[[_Item], _Result], items: Sequence[_Item], *, processes_from: int = 64, threads: int = 2
) -> Iterator[_Result]:
    """Yield `function(item)` for every item, in the items' order.

    Opening a ROOT file is Python's own work, where threads take turns; so many files are shared out to processes,
    and few, which are done before a process has started, to threads.

    Args:
        function: picklable; what it raises, this raises.
        items: picklable.
        processes_from: number of items from which on processes are used; 0 for always.
        threads: number of threads for fewer items.

    Raises:
        CampaignError: one of the processes was killed.

    """
    if len(items) < max(processes_from, 2):
        executor: Executor = ThreadPoolExecutor(threads)
    else:
        # Not forked: the caller may have threads, whose locks a fork would copy in whatever state they are.
        executor = ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn"))
    try:
        with executor:
            yield from executor.map(function, items, chunksize=max(1, min(32, len(items) // 64)))
    except BrokenProcessPool as error:
        message = "a process that reads files was killed, most likely for want of memory; run the command again"
        raise CampaignError(message) from error
