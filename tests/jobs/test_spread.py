"""Spreading work over the cores."""

from __future__ import annotations

import os

import pytest

from jobs.errors import CampaignError
from jobs.spread import spread


@pytest.mark.parametrize("processes_from", [0, 1000])
def test_results_come_in_the_order_of_the_items(processes_from: int) -> None:
    """In processes as in threads, each item gives one result, in order."""
    items = list(range(-100, 100))
    assert list(spread(abs, items, processes_from=processes_from)) == [abs(item) for item in items]


def test_few_items_stay_in_this_process() -> None:
    """Work that is done before a process has started is not sent to one; none is no work."""
    assert set(spread(os.getpgid, [0, 0, 0])) == {os.getpgid(0)}
    assert list(spread(abs, [], processes_from=0)) == []


@pytest.mark.parametrize("processes_from", [0, 1000])
def test_an_error_of_one_item_comes_out(processes_from: int) -> None:
    """What the function raises, the caller gets."""
    with pytest.raises(ZeroDivisionError):
        list(spread((1).__floordiv__, [1, 0, 1], processes_from=processes_from))


def test_a_killed_process_is_one_clear_error() -> None:
    """A process that dies, as when memory is short, does not hang the command."""
    with pytest.raises(CampaignError, match="was killed"):
        list(spread(os._exit, [1, 1], processes_from=0))
