"""Numbers in sentences are short, and never say more than is known."""

from __future__ import annotations

import pytest

from monitoring.panels.wording import figure, length, listed, number_of, percent, silence


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (84.0000001, "84"), (8.4, "8.4"), (99.96, "100"), (1234.5, "1,234"), (0.0833, "0.0833")],
)
def test_figures(value: float, written: str) -> None:
    """Three of them, or all before the point."""
    assert figure(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0 %"),
        (0.0004, "less than 0.1 %"),
        (0.123, "12.3 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
        (1.3, "130 %"),
        (25.0, "2,500 %"),
    ],
)
def test_shares(share: float, written: str) -> None:
    """A campaign is not at 100 % before it is through."""
    assert percent(share) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(12, "12 s"), (119, "2 min"), (3600, "1 h"), (5400, "1 h 30 min"), (200_000, "2 d 8 h"), (172_800, "2 d")],
)
def test_lengths(seconds: float, written: str) -> None:
    """In the two largest units."""
    assert length(seconds) == written


def test_silence_is_said_in_steps() -> None:
    """So that a sentence does not change all the time."""
    assert [silence(s) for s in (130, 599, 600, 3600, 90_000)] == [
        "more than 2 minutes",
        "more than 2 minutes",
        "more than 10 minutes",
        "more than an hour",
        "more than a day",
    ]


def test_names_and_counts() -> None:
    """A row of names is cut, and a noun agrees with its number."""
    assert [listed(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"], ["A", "B", "C", "D", "E"])] == [
        "",
        "A",
        "A and B",
        "A, B and C",
        "A, B, C and 2 more",
    ]
    assert [number_of(count, "job") for count in (0, 1, 1200)] == ["0 jobs", "1 job", "1,200 jobs"]
