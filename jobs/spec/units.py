"""Quantities as people write them: "500 MB", "8 h", "10 %", "100 Gb/s", "50/min".

A number without its unit is refused, because it is how megabits become megabytes; so is a unit of the other kind.
Each type is the number in one fixed unit, which stands in the name of the field that holds it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DURATION",
    "RATE",
    "SHARE",
    "SIZE",
    "STARTS",
    "MegabitsPerSecond",
    "Megabytes",
    "Quantity",
    "Seconds",
    "Share",
    "StartsPerMinute",
    "WholeMegabytes",
    "WholeSeconds",
]

_WRITTEN = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*")


@dataclass(frozen=True)
class Quantity:
    """One kind of quantity: its units, the base unit or the only one first, and how to write it rightly."""

    kind: str
    units: Mapping[str, float]
    example: str
    confused: Mapping[str, str]
    """Units of another kind that people write here, with what they are."""
    most: float = math.inf
    """Largest number that makes sense, in the base unit."""
    write_in: tuple[str, ...] = ()
    """Units that numbers are written in; by default any."""

    def parse(self, written: object) -> float:
        """Return the number in the base unit, the one whose factor is 1.

        Raises:
            PydanticCustomError: no number, no unit, a unit of another kind, or a negative number.

        """
        match = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
        if isinstance(written, int | float) and not isinstance(written, bool):
            raise self._error(f"{written} has no unit", self._known())
        if match is None:
            raise self._error(f"{written!r} is not {self.kind}", f"write it like {self.example}")
        number, unit = match.groups()
        if not unit:
            raise self._error(f"{number} has no unit", self._known())
        if unit not in self.units:
            raise self._unit_error(number, unit)
        value = float(number) * self.units[unit]
        if value < 0:
            raise self._error(f"{written!r} is negative", f"write it like {self.example}")
        if value > self.most:
            raise self._error(f"{written!r} is more than {self.write(self.most)}", f"write it like {self.example}")
        return value

    def write(self, value: float) -> str:
        """Return the number with its largest unit that leaves it a short number; `parse` reads the same back."""
        best = next(iter(self.units))
        for unit in self.write_in or self.units:
            factor = self.units[unit]
            if factor > self.units[best] and value >= factor and float(f"{value / factor:.6g}") * factor == value:
                best = unit
        return _join(f"{value / self.units[best]:.15g}", best)

    def _known(self) -> str:
        return f"write it with a unit ({', '.join(self.units)}), like {self.example}"

    def _unit_error(self, number: str, unit: str) -> PydanticCustomError:
        if unit in self.confused:
            return self._error(f"'{number} {unit}': {self.confused[unit]}", self._known())
        same = [name for name in self.units if name.lower() == unit.lower()]
        if same:
            return self._error(f"'{number} {unit}': capitals matter in units", f'write "{_join(number, same[0])}"')
        return self._error(f"'{number} {unit}': '{unit}' is not a unit of {self.kind}", self._known())

    def _error(self, what: str, remedy: str) -> PydanticCustomError:
        # Braces are pydantic's template syntax, so the text goes in as a value.
        return PydanticCustomError("quantity", "{what}", {"what": what, "remedy": remedy})


def _join(number: str, unit: str) -> str:
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}"


SIZE = Quantity(
    "a size in bytes",
    MappingProxyType(
        {"MB": 1.0, "kB": 1e-3, "GB": 1e3, "TB": 1e6, "KiB": 1.024e-3, "MiB": 1.048576, "GiB": 1073.741824}
    ),
    '"500 MB"',
    MappingProxyType(
        {
            unit: f"{unit} are {bits}bits, sizes are in bytes"
            for unit, bits in [("Mb", "mega"), ("Gb", "giga"), ("kb", "kilo")]
        }
        | {unit: f"'{unit}' may mean bits or bytes; sizes are in bytes with a capital B" for unit in ("mb", "gb", "tb")}
    ),
)
"""In megabytes, 1 MB = 1,000,000 bytes."""

DURATION = Quantity(
    "a duration",
    MappingProxyType({"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "ms": 1e-3}),
    '"8 h"',
    MappingProxyType({"m": "m may be minutes or months", "M": "M may be minutes or months"}),
)
"""In seconds."""

SHARE = Quantity("a share", MappingProxyType({"%": 0.01}), '"10 %"', MappingProxyType({}), most=1.0)
"""As a fraction of one."""

RATE = Quantity(
    "a network rate",
    MappingProxyType({"Mb/s": 1.0, "kb/s": 1e-3, "Gb/s": 1e3, "Tb/s": 1e6}),
    '"10 Gb/s"',
    MappingProxyType(
        {
            unit: f"{unit} counts bytes, links are counted in bits: 8 times as many"
            for unit in ("kB/s", "MB/s", "GB/s", "TB/s")
        }
        | {unit: f"'{unit}' does not say that it is per second" for unit in ("Mb", "Gb", "Mbit", "Gbit")}
        | {unit: f"'{unit}' may mean bits or bytes; links are in bits with a small b" for unit in ("mb/s", "gb/s")}
        | {unit: f"'{unit}' is written {unit[0]}b/s here" for unit in ("Mbps", "Gbps", "kbps", "Mbit/s", "Gbit/s")}
    ),
)
"""In megabits per second."""

STARTS = Quantity(
    "a rate of starts",
    MappingProxyType({"/min": 1.0, "/s": 60.0, "/h": 1 / 60}),
    '"50/min"',
    MappingProxyType(
        {unit: f"'{unit}' may be minutes or months" for unit in ("/m", "/M")}
        | {unit: f"'{unit}' is written {short} here" for unit, short in [("/sec", "/s"), ("/minute", "/min")]}
        | {unit: f"'{unit}' is a duration, not a number of starts in it" for unit in ("s", "min", "h")}
        | dict.fromkeys(("Mb/s", "Gb/s", "kb/s", "MB/s"), "a ramp counts starts of jobs, not bits")
    ),
    write_in=("/min",),
)
"""In starts per minute."""


def _whole(quantity: Quantity) -> BeforeValidator:
    return BeforeValidator(lambda written: math.ceil(quantity.parse(written)))


WholeMegabytes = Annotated[int, _whole(SIZE), PlainSerializer(SIZE.write, str)]
"""Rounded up to a whole number."""
Megabytes = Annotated[float, BeforeValidator(SIZE.parse), PlainSerializer(SIZE.write, str)]
WholeSeconds = Annotated[int, _whole(DURATION), PlainSerializer(DURATION.write, str)]
"""Rounded up to a whole number."""
Seconds = Annotated[float, BeforeValidator(DURATION.parse), PlainSerializer(DURATION.write, str)]
Share = Annotated[float, BeforeValidator(SHARE.parse), PlainSerializer(SHARE.write, str)]
MegabitsPerSecond = Annotated[float, BeforeValidator(RATE.parse), PlainSerializer(RATE.write, str)]
StartsPerMinute = Annotated[float, BeforeValidator(STARTS.parse), PlainSerializer(STARTS.write, str)]
