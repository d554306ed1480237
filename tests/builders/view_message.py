"""Messages of views made from their parts, so that a test can break one rule of the format and no other."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zstandard

from sonic.view_message import VERSION, Strip

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["HEADER", "Parts", "a_strip", "assert_same", "sealed"]

HEADER = struct.Struct("<4sB3xIIII")


def a_strip() -> Strip:
    """Return a strip of 6 x 7 pixels, half of them lit, with three hits."""
    pixels = np.arange(42, dtype=np.float32).reshape(6, 7) % 2 * np.linspace(1, 2, 42, dtype=np.float32).reshape(6, 7)
    return Strip(pixels, np.array([1, 1, 4]), np.array([5, 6, 0]))


def assert_same(got: Strip, expected: Strip) -> None:
    """Assert that two strips have the same bits and hits."""
    assert got.pixels.shape == expected.pixels.shape
    assert np.array_equal(got.pixels.view(np.uint32), expected.pixels.view(np.uint32))
    assert np.array_equal(got.wire, expected.wire)
    assert np.array_equal(got.drift, expected.drift)


def sealed(body: bytes) -> bytes:
    """Return what comes before a checksum with the right checksum."""
    return body + struct.pack("<I", zlib.crc32(body))


@dataclass
class Parts:
    """What a message is made of, as the format's description has it."""

    shape: tuple[int, int]
    mask: bytes
    values: NDArray[np.float32]
    wires: NDArray[np.int64]
    drifts: NDArray[np.int64]

    @classmethod
    def of(cls, strip: Strip) -> Self:
        """Return the parts of a strip."""
        flat = strip.pixels.reshape(-1)
        lit = flat.view(np.uint32) != 0
        mask = np.packbits(lit, bitorder="little").tobytes()
        return cls((strip.pixels.shape[0], strip.pixels.shape[1]), mask, flat[lit], strip.wire, strip.drift)

    def content(self) -> bytes:
        """Return what the frame holds."""
        steps = [np.diff(axis, prepend=0).astype(np.uint16) for axis in (self.wires, self.drifts)]
        planes = [array.view(np.uint8).reshape(len(array), -1).T.tobytes() for array in (self.values, *steps)]
        return b"".join([self.mask, *planes])

    def message(self, **changes: Any) -> bytes:  # noqa: ANN401  # each has its type
        """Return the message with a right checksum.

        Args:
            changes: `magic`, `version`, `n_wires`, `n_drift`, `n_values` or `n_patches` of the header; `mask`; `value`,
                `wire` or `drift` of the last pixel or hit; or the whole `frame`.

        """
        values, wires, drifts = self.values.copy(), self.wires.copy(), self.drifts.copy()
        values[-1] = changes.get("value", values[-1])
        wires[-1] = changes.get("wire", wires[-1])
        drifts[-1] = changes.get("drift", drifts[-1])
        parts = Parts(self.shape, changes.get("mask", self.mask), values, wires, drifts)
        header = HEADER.pack(
            changes.get("magic", b"SGVM"),
            changes.get("version", VERSION),
            changes.get("n_wires", self.shape[0]),
            changes.get("n_drift", self.shape[1]),
            changes.get("n_values", len(values)),
            changes.get("n_patches", len(wires)),
        )
        frame = changes.get("frame")
        if frame is None:
            frame = zstandard.ZstdCompressor(level=1).compress(parts.content())
        return sealed(header + frame)
