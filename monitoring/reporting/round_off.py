"""Rounds numbers to what their errors allow, by the rule of the Particle Data Group (Review of Particle Physics, 5.3).

If the three leading digits of the error lie between 100 and 354, two digits of it are kept; between 355 and 949, one;
above, it is rounded up to 1000 and keeps two. The value is rounded to the same place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitoring.numbers import Interval

__all__ = ["places_of", "round_interval", "three_digits"]

_TWO_DIGITS, _ONE_DIGIT = 354, 949
_EXACT_DIGITS = 4
"""Significant digits of a value whose error is zero, as it is with very few equal times."""


def places_of(error: float) -> int:
    """Return how many decimal places a value with this error has; negative for tens, hundreds and so on."""
    power = math.floor(math.log10(error))
    leading = round(error / 10.0 ** (power - 2))
    if leading > _ONE_DIGIT:
        # As 1000: the next power of ten, of which two digits are kept.
        return -power
    return 1 - power if leading <= _TWO_DIGITS else -power


def round_interval(interval: Interval) -> tuple[str, str, str]:
    """Return value, upper and lower error as decimals; the smaller error says how many places."""
    up, down = interval.high - interval.value, interval.value - interval.low
    errors = [error for error in (up, down) if error > 0]
    if errors:
        places = places_of(min(errors))
    else:
        places = _EXACT_DIGITS - 1 - math.floor(math.log10(abs(interval.value) or 1.0))
    value, up_text, down_text = (_decimal(number, places) for number in (interval.value, up, down))
    return value, up_text, down_text


def three_digits(value: float) -> str:
    """Return a value of which nobody knows the error, with three significant digits."""
    if value == 0:
        return "0"
    return _decimal(value, 2 - math.floor(math.log10(abs(value))))


def _decimal(value: float, places: int) -> str:
    return f"{round(value, places):.{max(places, 0)}f}"
