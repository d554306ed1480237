"""Unpacking a message takes memory by what the format allows, not by what the message says."""

from __future__ import annotations

import struct
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zstandard

from sonic.errors import MessageInvalid
from sonic.view_message import MOST_PIXELS, Strip, pack, unpack
from tests.builders.view_message import Parts, a_strip, assert_same

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 65_536
MB = 1_000_000


def peak_bytes(action: Callable[[], object]) -> int:
    """Return the most memory that something took beyond what was taken before."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def a_bomb(n_bytes: int) -> bytes:
    """Return a small frame of very many zeros."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj(size=n_bytes)
    parts = [compressor.compress(bytes(MB)) for _ in range(n_bytes // MB)]
    return b"".join([*parts, compressor.flush()])


def refused(message: bytes) -> None:
    """Unpack what must be refused."""
    with pytest.raises(MessageInvalid):
        unpack(message, most_patches=MOST)


def test_a_bomb_is_not_unpacked() -> None:
    """A frame that holds a thousand times what the header's numbers give must be refused before it is unpacked."""
    bomb = a_bomb(200 * MB)
    assert len(bomb) < MB
    message = Parts.of(a_strip()).message(frame=bomb)
    assert peak_bytes(lambda: refused(message)) < 3 * MB


def test_a_bomb_that_lies_about_its_size_is_not_unpacked_either() -> None:
    """The frame's own word must bound what is taken for it."""
    parts = Parts.of(a_strip())
    bomb = bytearray(a_bomb(200 * MB))
    assert bomb[4] >> 6 == 2  # the size in four bytes
    at = 5 if bomb[4] >> 5 & 1 else 6  # behind a byte for the window, unless it is one segment
    assert struct.unpack_from("<I", bomb, at) == (200 * MB,)
    struct.pack_into("<I", bomb, at, len(parts.content()))
    message = parts.message(frame=bytes(bomb))
    assert peak_bytes(lambda: refused(message)) < 3 * MB


@pytest.mark.parametrize("window_log", [10, 20, 27, 31, 41])
def test_a_frame_with_a_large_window_takes_no_memory_for_it(window_log: int) -> None:
    """What a frame says of its window must neither be believed nor harm."""
    parts = Parts.of(a_strip())
    plain = zstandard.ZstdCompressor(level=1).compress(parts.content())
    assert plain[4] == 0b0010_0000  # one segment, its size in one byte, and the blocks behind it
    header = plain[:4] + bytes([0b1000_0000, (window_log - 10) << 3]) + struct.pack("<I", len(parts.content()))
    message = parts.message(frame=header + plain[6:])

    def unpacked() -> None:
        try:
            assert_same(unpack(message, most_patches=MOST), a_strip())
        except MessageInvalid:
            assert window_log > 27

    assert peak_bytes(unpacked) < 3 * MB


@pytest.mark.parametrize(
    "numbers",
    [
        {"n_wires": 4096, "n_drift": 4096},
        {"n_wires": 4096, "n_drift": 4096, "n_values": MOST_PIXELS},
        {"n_wires": 2**32 - 1, "n_drift": 2**32 - 1, "n_values": 2**32 - 1, "n_patches": 2**32 - 1},
        {"n_patches": MOST},
    ],
)
def test_numbers_of_the_header_take_no_memory_by_themselves(numbers: dict[str, int]) -> None:
    """A few bytes that promise the largest strip must not get its memory."""
    message = Parts.of(a_strip()).message(**numbers)
    assert peak_bytes(lambda: refused(message)) < 3 * MB


def test_the_largest_strip_takes_what_the_server_must_have() -> None:
    """The worst message that is allowed, every pixel of it lit, must not take more than 300 MB beside itself."""
    pixels = np.full((4096, 4096), 1.5, np.float32)
    strip = Strip(pixels, np.zeros(MOST, np.int64), np.zeros(MOST, np.int64))
    data = pack(strip)
    got: list[Strip] = []
    peak = peak_bytes(lambda: got.append(unpack(data, most_patches=MOST, margin_pixels=24)))
    assert peak < 300 * MB
    assert np.array_equal(got[0].pixels[24:-24, 24:-24], pixels)
