"""The message of a view: what goes in comes out, bit for bit; what breaks a rule of the format is told from damage."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sonic.errors import MessageDamaged, MessageInvalid
from sonic.view_message import MOST_PIXELS, MOST_SIDE_PIXELS, VERSION, Strip, pack, unpack
from tests.builders.view_message import HEADER, Parts, a_strip, assert_same, sealed

MOST = 65_536

STRIPS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: st.builds(
        Strip,
        hnp.arrays(np.float32, shape, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
        hnp.arrays(np.int64, 7, elements=st.integers(0, shape[0] - 1)),
        hnp.arrays(np.int64, 7, elements=st.integers(0, shape[1] - 1)),
    )
)


@given(STRIPS)
def test_a_strip_comes_out_as_it_went_in(strip: Strip) -> None:
    """Pixels bit for bit, also negative zeros and the smallest numbers; hits in any order, also two on one pixel."""
    assert_same(unpack(pack(strip), most_patches=MOST), strip)


def test_special_numbers_keep_their_bits() -> None:
    """Zero, negative zero, denormals and the largest numbers must not be taken for each other."""
    numbers = [0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 1.0, -5.0, 15.0]
    pixels = np.array([numbers], np.float32)
    strip = Strip(pixels, np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert_same(unpack(pack(strip), most_patches=1), strip)


@pytest.mark.parametrize("value", [0.0, -0.0, 7.25])
@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (3, 3)])
def test_strips_of_a_pixel_and_silent_ones(shape: tuple[int, int], value: float) -> None:
    """The smallest strips and those without any charge are messages like others."""
    strip = Strip(np.full(shape, value, np.float32), np.zeros(1, np.int64), np.full(1, shape[1] - 1))
    assert_same(unpack(pack(strip), most_patches=1), strip)


@pytest.mark.parametrize("shape", [(MOST_SIDE_PIXELS, 1), (1, MOST_SIDE_PIXELS), (4096, 4096), (256, 65_535)])
def test_strips_at_the_bounds(shape: tuple[int, int]) -> None:
    """The largest strips that the format allows must come through, with hits in their corners."""
    pixels = np.zeros(shape, np.float32)
    corners = np.array([0, shape[0] - 1, 0, shape[0] - 1]), np.array([0, 0, shape[1] - 1, shape[1] - 1])
    pixels[corners] = [1.5, -2.5, 3.5, 4.5][: len(corners[0])]
    strip = Strip(pixels, *corners)
    assert_same(unpack(pack(strip), most_patches=4), strip)


@pytest.mark.parametrize("shape", [(MOST_SIDE_PIXELS + 1, 1), (1, MOST_SIDE_PIXELS + 1), (4097, 4096)])
def test_what_is_too_large_for_a_message_is_not_packed(shape: tuple[int, int]) -> None:
    """Whoever packs must hear of it, not the server."""
    strip = Strip(np.broadcast_to(np.zeros(1, np.float32), shape), np.zeros(1, np.int64), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="too large for one message"):
        pack(strip)


@given(STRIPS, st.integers(0, 30))
def test_a_margin_is_zeros_around_the_same_strip(strip: Strip, margin: int) -> None:
    """Whoever cuts patches must find silence around the strip, and the hits where they are without it."""
    got = unpack(pack(strip), most_patches=MOST, margin_pixels=margin)
    assert np.array_equal(got.pixels.view(np.uint32), np.pad(strip.pixels, margin).view(np.uint32))
    assert np.array_equal(got.wire, strip.wire)
    assert np.array_equal(got.drift, strip.drift)


def test_the_bytes_are_those_of_the_description() -> None:
    """A client in another language must be able to rely on every byte; this message was made by hand."""
    pixels = np.array([[0, 1.0, 0], [2.0, 0, -0.0]], np.float32)
    data = pack(Strip(pixels, np.array([0, 1, 0]), np.array([2, 0, 1])))
    assert data[:24] == b"SGVM\x01\0\0\0" + struct.pack("<IIII", 2, 3, 3, 3)
    content = zstandard.ZstdDecompressor().decompress(data[24:-4])
    assert content[:1] == bytes([0b101010])
    assert content[1:13] == bytes.fromhex("000000 000000 800000 3f4080")
    assert content[13:19] == bytes.fromhex("0001ff 0000ff")  # steps 0, 1, -1
    assert content[19:] == bytes.fromhex("02fe01 00ff00")  # steps 2, -2, 1
    assert data[-4:] == struct.pack("<I", zlib.crc32(data[:-4]))


def test_a_message_may_lie_in_any_buffer() -> None:
    """Servers hand over views of their own memory."""
    strip = a_strip()
    data = pack(strip)
    assert_same(unpack(memoryview(data), most_patches=MOST), strip)
    assert_same(unpack(memoryview(bytearray(data)), most_patches=MOST), strip)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"magic": b"SGVN"}, "begins with b'SGVM'"),
        ({"version": VERSION + 1}, "version 2; this server takes version 1"),
        ({"version": 0}, "version 0"),
        ({"n_wires": 0}, "a strip of 0 x"),
        ({"n_drift": 0}, "a strip of 6 x 0 pixels"),
        ({"n_wires": MOST_SIDE_PIXELS + 1, "n_drift": 1}, "a strip of 65536 x 1"),
        ({"n_drift": MOST_SIDE_PIXELS + 1, "n_wires": 1}, "a strip of 1 x 65536"),
        ({"n_wires": 4097, "n_drift": 4096}, f"1 to {MOST_PIXELS} are taken"),
        ({"n_wires": 2**32 - 1, "n_drift": 2**32 - 1}, "a strip of 4294967295 x 4294967295"),
        ({"n_values": 6 * 7 + 1}, "43 values for 42 pixels"),
        ({"n_values": 2**32 - 1}, "4294967295 values"),
        ({"n_patches": 0}, "asks for 0 patches"),
        ({"n_patches": MOST + 1}, "asks for 65537 patches; 1 to 65536 are taken"),
        ({"n_patches": 2**32 - 1}, "asks for 4294967295 patches"),
        ({"n_wires": 7}, r"the content has \d+ bytes by its frame"),
        ({"n_patches": 4}, r"the content has \d+ bytes by its frame"),
        ({"n_values": 2}, r"the content has \d+ bytes by its frame"),
        ({"mask": bytes(6)}, "the mask has 0 pixels, but there are 21 values"),
        ({"mask": b"\xff" * 6}, "the mask has 42 pixels, but there are 21 values"),
        ({"value": np.nan}, "infinite or not a number"),
        ({"value": np.inf}, "infinite or not a number"),
        ({"value": -np.inf}, "infinite or not a number"),
        ({"wire": 6}, "a hit lies outside the strip: wire 6 of 6"),
        ({"wire": -1}, "a hit lies outside the strip: wire 65535 of 6"),
        ({"drift": 7}, "a hit lies outside the strip: drift pixel 7 of 7"),
        ({"frame": b""}, "cannot be unpacked"),
        ({"frame": b"no frame at all"}, "cannot be unpacked"),
        ({"frame": b"\x28\xb5\x2f\xfd"}, "cannot be unpacked"),
    ],
)
def test_each_rule_of_the_format_is_checked(changes: dict[str, Any], complaint: str) -> None:
    """A message with a right checksum that breaks one rule must be refused with what is wrong in it."""
    with pytest.raises(MessageInvalid, match=complaint):
        unpack(Parts.of(a_strip()).message(**changes), most_patches=MOST)


def frame_of(parts: Parts, **options: Any) -> bytes:  # noqa: ANN401  # zstandard's
    """Return a frame of the parts' content, made with other options than `pack` uses."""
    return zstandard.ZstdCompressor(level=1, **options).compress(parts.content())


def test_a_frame_must_be_one_whole_frame_that_says_its_size() -> None:
    """Without a size, with another one, cut short, or with anything behind it: none of these is a message."""
    parts = Parts.of(a_strip())
    frame = frame_of(parts)
    assert_same(unpack(parts.message(frame=frame), most_patches=MOST), a_strip())
    empty = zstandard.ZstdCompressor().compress(b"")
    skippable = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"
    bad = [
        frame_of(parts, write_content_size=False),
        frame[:-1],
        frame + b"\0",
        frame + frame,
        frame + empty,
        frame + skippable,
        skippable + frame,
        empty + frame,
    ]
    for wrong in bad:
        with pytest.raises(MessageInvalid):
            unpack(parts.message(frame=wrong), most_patches=MOST)


def test_a_frame_of_the_right_word_and_another_content_is_refused() -> None:
    """A frame that says the size that is wanted but holds less, or more, must not be believed."""
    parts = Parts.of(a_strip())
    size = len(parts.content())
    for content in (parts.content()[:-1], parts.content() + b"\0" * 50):
        frame = bytearray(zstandard.ZstdCompressor(level=1).compress(content))
        assert (frame[4] >> 5, frame[5]) == (1, len(content))  # one segment, its size in one byte
        frame[5] = size
        with pytest.raises(MessageInvalid):
            unpack(parts.message(frame=bytes(frame)), most_patches=MOST)


@pytest.mark.parametrize("n_bytes", [0, 1, 3, 23, 27])
def test_what_is_too_short_to_be_a_message_is_refused(n_bytes: int) -> None:
    """No byte must be read that is not there."""
    with pytest.raises(MessageInvalid, match="too short"):
        unpack(pack(a_strip())[:n_bytes], most_patches=MOST)


def test_only_a_right_checksum_makes_it_the_senders_fault() -> None:
    """Sizes that damage has put into a message must count as damage, which asking again helps against."""
    data = Parts.of(a_strip()).message(n_patches=MOST + 1)
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(MessageDamaged, match="checksum"):
        unpack(damaged, most_patches=MOST)


@settings(max_examples=300)
@given(st.data())
def test_damage_is_found_and_nothing_else_happens(data: st.DataObject) -> None:
    """Flipped bits, lost, doubled and strange bytes anywhere in a message must each give an error of the two."""
    good = pack(a_strip())
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(bad) - 1))
        what = data.draw(st.sampled_from(["flip", "lose", "insert", "cut"]))
        if what == "flip":
            bad[at] ^= 1 << data.draw(st.integers(0, 7))
        elif what == "lose":
            del bad[at : at + data.draw(st.integers(1, 8))]
        elif what == "insert":
            bad[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            del bad[at + 1 :]
    if bytes(bad) == good:
        return
    with pytest.raises((MessageDamaged, MessageInvalid)):
        unpack(bytes(bad), most_patches=MOST)


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 3000), st.integers(0, 50)),
    st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(zstandard.ZstdCompressor().compress)),
)
def test_any_bytes_with_a_right_checksum_are_a_strip_or_invalid(sizes: tuple[int, int, int, int], rest: bytes) -> None:
    """Whatever a stranger sends, the answer must be a whole strip or a refusal."""
    try:
        strip = unpack(sealed(HEADER.pack(b"SGVM", VERSION, *sizes) + rest), most_patches=MOST)
    except MessageInvalid:
        return
    assert strip.pixels.shape == sizes[:2]
    assert len(strip.wire) == len(strip.drift) == sizes[3]
    assert np.isfinite(strip.pixels).all()
