"""How a terminal writes each unit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from monitoring.terminal.format import write, write_range

if TYPE_CHECKING:
    from monitoring.panels.panel import Cell, Unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "count", "\N{EN DASH}"),
        (0, "count", "0"),
        (1234567, "count", "1,234,567"),
        (0.934, "share", "93 %"),
        (812.4, "mbps", "812 Mb/s"),
        (12345.6, "mbps", "12,346 Mb/s"),
        (0.01234, "per_s", "0.0123 /s"),
        (86.0, "per_h", "86 /h"),
        (0.0421, "s", "42.1 ms"),
        (0.0, "s", "0 s"),
        (61.0, "s", "1 min 1 s"),
        (7380.0, "s", "2 h 3 min"),
        (90_000.0, "s", "1 d 1 h"),
        (0.0, "mb", "0 MB"),
        (0.25, "mb", "250 kB"),
        (1500.0, "mb", "1.5 GB"),
        ("a\x1b[1m\nb", "text", "a [1m b"),
    ],
)
def test_units(value: Cell, unit: Unit, text: str) -> None:
    """Each unit has its form, and nothing known is not zero."""
    assert write(value, unit) == text


def test_times() -> None:
    """A moment of today is a time of day; another one says its day."""
    now = time.time()
    assert write(now, "time") == time.strftime("%H:%M:%S", time.localtime(now))
    assert write(0.0, "time").startswith(time.strftime("%d %b", time.localtime(0)))


def test_ranges() -> None:
    """An interval without an upper end is open, one without any is nothing."""
    assert write_range(60.0, 120.0, "s") == "1 min to 2 min"
    assert write_range(60.0, None, "s") == "1 min or more"
    assert write_range(None, None, "s") == ""
