"""Numbers of a paper have as many digits as their errors allow."""

from __future__ import annotations

import pytest

from monitoring.numbers import Interval
from monitoring.reporting.round_off import round_interval, three_digits


@pytest.mark.parametrize(
    ("value", "low", "high", "rounded"),
    [
        # The examples of the Review of Particle Physics: 0.827 +- 0.119, +- 0.367 and +- 0.0998.
        (0.827, 0.708, 0.946, ("0.83", "0.12", "0.12")),
        (0.827, 0.460, 1.194, ("0.8", "0.4", "0.4")),
        (0.827, 0.8270 - 0.0998, 0.8270 + 0.0998, ("0.83", "0.10", "0.10")),
        (2.7183, 2.6183, 2.8483, ("2.72", "0.13", "0.10")),
        (12347.0, 12007.0, 12807.0, ("12350", "460", "340")),
        (68.0, 68.0, 68.0, ("68.00", "0.00", "0.00")),
        (0.0, 0.0, 0.0, ("0.000", "0.000", "0.000")),
    ],
)
def test_the_error_says_how_many_digits(value: float, low: float, high: float, rounded: tuple[str, str, str]) -> None:
    """By the rule of the Particle Data Group, and by the smaller of two errors."""
    assert round_interval(Interval(value=value, low=low, high=high)) == rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1234.0, "1230"), (0.012345, "0.0123"), (9.999, "10.00"), (-3.14159, "-3.14"), (7.0, "7.00")],
)
def test_without_an_error_three_digits(value: float, text: str) -> None:
    """Where nobody knows the error."""
    assert three_digits(value) == text
