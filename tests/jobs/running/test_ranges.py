"""Job numbers survive a ClassAd, in their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.running.ranges import read_ranges, write_ranges


@given(st.lists(st.integers(0, 10**6)))
def test_numbers_read_back_in_their_order(numbers: list[int]) -> None:
    """Rows of a cluster are told by their place, so that the order must be kept, whatever it is."""
    assert read_ranges(write_ranges(numbers)) == tuple(numbers)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([5], "5"), ([0, 1, 2, 500], "0-2,500"), ([3, 2, 1], "3,2,1"), ([7, 8, 8, 9], "7-8,8-9")],
)
def test_a_run_is_short(numbers: list[int], text: str) -> None:
    """A block of thousands of jobs must fit into an attribute that a person can read."""
    assert write_ranges(numbers) == text


@pytest.mark.parametrize("text", ["a", "1-b", "1.5", "-3"])
def test_other_text_is_an_error(text: str) -> None:
    """What was not written by us is not taken for numbers."""
    with pytest.raises(ValueError, match="invalid literal"):
        read_ranges(text)


@pytest.mark.parametrize("text", ["0-10000000", "5,0-99999999999999999999999", "10000000"])
def test_more_jobs_than_a_campaign_has_are_an_error(text: str) -> None:
    """A damaged digit must not take all memory."""
    with pytest.raises(ValueError, match="no campaign has a job of that number"):
        read_ranges(text)
