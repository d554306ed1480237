"""Quantities as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from jobs.spec.units import DURATION, RATE, SHARE, SIZE, STARTS, Quantity


@pytest.mark.parametrize(
    ("quantity", "written", "value"),
    [
        (SIZE, "500 MB", 500),
        (SIZE, "1.5GB", 1500),
        (SIZE, " 1 GiB ", 1073.741824),
        (SIZE, "1e3 kB", 1),
        (DURATION, "8 h", 28800),
        (DURATION, "90 min", 5400),
        (DURATION, "2 d", 172800),
        (DURATION, ".5 s", 0.5),
        (SHARE, "10 %", 0.1),
        (SHARE, "100%", 1),
        (RATE, "100 Gb/s", 100_000),
        (RATE, "0 Mb/s", 0),
        (STARTS, "50/min", 50),
        (STARTS, "50 /min", 50),
        (STARTS, "1/s", 60),
        (STARTS, "3000/h", 50),
    ],
)
def test_reads_what_people_write(quantity: Quantity, written: str, value: float) -> None:
    """A number with a unit becomes the number in the base unit, with or without a space between them."""
    assert quantity.parse(written) == pytest.approx(value)


@pytest.mark.parametrize(
    ("quantity", "written", "what", "remedy"),
    [
        (SIZE, 500, "500 has no unit", '"500 MB"'),
        (SIZE, "500", "has no unit", '"500 MB"'),
        (SIZE, "500 Mb", "megabits", "MB"),
        (SIZE, "500 mb", "bits or bytes", "MB"),
        (SIZE, "many", "not a size", '"500 MB"'),
        (SIZE, None, "None is not a size", '"500 MB"'),
        (SIZE, True, "True is not a size", '"500 MB"'),
        (SIZE, "-1 MB", "negative", '"500 MB"'),
        (SIZE, "nan MB", "not a size", '"500 MB"'),
        (SIZE, "500 h", "'h' is not a unit", "MB"),
        (SIZE, "1 Gib", "capitals matter", '"1 GiB"'),
        (SIZE, "1 {MB}", "not a unit", "MB"),
        (DURATION, 8, "has no unit", '"8 h"'),
        (DURATION, "8 H", "capitals matter", '"8 h"'),
        (DURATION, "8 m", "minutes or months", "min"),
        (SHARE, 0.1, "has no unit", '"10 %"'),
        (SHARE, "110 %", "more than 100 %", '"10 %"'),
        (RATE, "10 GB/s", "bytes", "Gb/s"),
        (RATE, "10 Gbps", "written Gb/s", "Gb/s"),
        (RATE, "10 Gb", "per second", "Gb/s"),
        (RATE, "10 gb/s", "bits or bytes", "Gb/s"),
        (STARTS, 50, "50 has no unit", '"50/min"'),
        (STARTS, "50", "50 has no unit", '"50/min"'),
        (STARTS, "50/Min", "capitals matter", '"50/min"'),
        (STARTS, "50/m", "minutes or months", "/min"),
        (STARTS, "50/sec", "written /s", "/s"),
        (STARTS, "50 min", "is a duration", '"50/min"'),
        (STARTS, "50 Mb/s", "not bits", '"50/min"'),
        (STARTS, "50 jobs", "'jobs' is not a unit", "/min"),
        (STARTS, "-1/min", "negative", '"50/min"'),
    ],
)
def test_says_what_is_wrong_and_how_to_write_it(quantity: Quantity, written: object, what: str, remedy: str) -> None:
    """A missing unit, one of another kind, or bits for bytes is named, and a right example is shown."""
    with pytest.raises(PydanticCustomError) as caught:
        quantity.parse(written)
    assert what in caught.value.message()
    assert caught.value.context is not None
    assert remedy in caught.value.context["remedy"]


@settings(deadline=None)
@given(st.sampled_from([SIZE, DURATION, RATE, STARTS]), st.floats(0, 1e12, allow_subnormal=False))
def test_reads_back_what_it_writes(quantity: Quantity, value: float) -> None:
    """Every value survives being written with its best unit."""
    assert quantity.parse(quantity.write(value)) == pytest.approx(value, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("quantity", "value", "written"),
    [
        (SIZE, 1500, "1.5 GB"),
        (SIZE, 0.25, "0.25 MB"),
        (DURATION, 28800, "8 h"),
        (SHARE, 0.29, "29 %"),
        (RATE, 1e5, "100 Gb/s"),
        (STARTS, 60, "60/min"),
        (STARTS, 0.5, "0.5/min"),
    ],
)
def test_writes_short_numbers(quantity: Quantity, value: float, written: str) -> None:
    """The largest unit that leaves a short number is taken."""
    assert quantity.write(value) == written
