"""The message of the `views` format: a strip of a view, packed without loss, and the hit pixels in it.

Packed by the client, unpacked by the model in the server, which gets a copy of this file. For clients in other
languages it is described in docs/reference/wire-formats.md. All numbers are little-endian.

    bytes      what
    0 to 3     "SGVM"
    4          version, 1
    5 to 7     0
    8 to 11    uint32 n_wires
    12 to 15   uint32 n_drift
    16 to 19   uint32 n_values, pixels that are not zero
    20 to 23   uint32 n_patches, hit pixels
    24 to ...  one Zstandard frame, which says its content's size; the content is
                   mask     ceil(n_wires * n_drift / 8) bytes: bit i%8 of byte i//8 is 1 where pixel i, counted row by
                            row, is not zero
                   values   float32 of those pixels in that order: first all lowest bytes, then all second ones, ...
                   wires    uint16 step of each hit pixel's wire from the one before, the first from 0, modulo 65536:
                            all low bytes, then all high ones
                   drifts   the same of the drift pixels
    last 4     uint32 CRC-32 (zlib's) of all before

Whoever unpacks trusts nothing: sizes are bounded before memory is taken, and nothing is read beyond them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import zstandard

from sonic.errors import MessageDamaged, MessageInvalid

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

__all__ = [
    "MESSAGE_INPUT",
    "MOST_PIXELS",
    "MOST_SIDE_PIXELS",
    "PATCHES_PARAMETER",
    "VERSION",
    "VERSION_PARAMETER",
    "Strip",
    "pack",
    "unpack",
]

VERSION = 1
"""Of the message."""

MESSAGE_INPUT = "view_message"
"""The model's input: uint8 [1, n], one message."""

PATCHES_PARAMETER = "most_patches"
"""Parameter of the model's configuration: patches that it cuts for one message."""

VERSION_PARAMETER = "message_version"
"""Parameter of the model's configuration: version of the messages that it takes."""

MOST_SIDE_PIXELS = 65_535
MOST_PIXELS = 2**24
"""Of one strip; the image of one message takes 64 MB in the server at most, 17 times the largest plane of ProtoDUNE."""

_MAGIC = b"SGVM"
_HEADER = struct.Struct("<4sB3xIIII")
_CHECKSUM = struct.Struct("<I")
_LEVEL = 1
"""Zstandard's fastest: on real frames level 9 saves 1 to 4 % for eight times the time (benchmarks/view_codecs.py)."""


@dataclass(frozen=True, eq=False)
class Strip:
    """Some wires of a view, with all that the patches of its hit pixels need; what is outside of it is zero.

    Attributes:
        pixels: float32 (n_wires, n_drift).
        wire: integer (n_patches,), row of each hit pixel in `pixels`.
        drift: integer (n_patches,), column of each.

    """

    pixels: NDArray[np.float32]
    wire: NDArray[np.integer[Any]]
    drift: NDArray[np.integer[Any]]


def pack(strip: Strip) -> bytes:
    """Return the message of a strip.

    Raises:
        ValueError: the strip is larger than a message can say.

    """
    n_wires, n_drift = strip.pixels.shape
    if max(n_wires, n_drift) > MOST_SIDE_PIXELS or n_wires * n_drift > MOST_PIXELS:
        message = f"a strip of {n_wires} wires x {n_drift} drift pixels is too large for one message"
        raise ValueError(message)
    pixels = np.ascontiguousarray(strip.pixels, dtype="<f4").reshape(-1)
    # By the bits, so that a negative zero is kept.
    lit = pixels.view("<u4") != 0
    values = pixels[lit]
    content = b"".join(
        [
            np.packbits(lit, bitorder="little").tobytes(),
            _bytes_apart(values),
            _bytes_apart(_steps(strip.wire)),
            _bytes_apart(_steps(strip.drift)),
        ]
    )
    header = _HEADER.pack(_MAGIC, VERSION, n_wires, n_drift, len(values), len(strip.wire))
    body = header + zstandard.ZstdCompressor(level=_LEVEL).compress(content)
    return body + _CHECKSUM.pack(zlib.crc32(body))


def unpack(data: bytes | memoryview, *, most_patches: int, margin_pixels: int = 0) -> Strip:
    """Return the strip of a message, checked.

    Args:
        data: the message.
        most_patches: hit pixels that are taken.
        margin_pixels: zeros to put around the image on all sides; `wire` and `drift` do not count them.

    Raises:
        MessageDamaged: the checksum is wrong.
        MessageInvalid: the message breaks a rule of the format, or is larger than is taken.

    """
    n_wires, n_drift, n_values, n_patches = _checked_header(data, most_patches)
    n_pixels = n_wires * n_drift
    sizes = [-(-n_pixels // 8), 4 * n_values, 2 * n_patches, 2 * n_patches]
    content = np.frombuffer(_inflated(data[_HEADER.size : -_CHECKSUM.size], sum(sizes)), np.uint8)
    mask, values, wires, drifts = np.split(content, np.cumsum(sizes)[:-1])
    lit = np.unpackbits(mask, count=n_pixels, bitorder="little").view(np.bool_)
    if np.count_nonzero(lit) != n_values:
        raise MessageInvalid(f"the mask has {np.count_nonzero(lit)} pixels, but there are {n_values} values")
    value = _bytes_together(values, "<f4")
    if not np.isfinite(value).all():
        raise MessageInvalid("a pixel is infinite or not a number")
    image = np.zeros((n_wires + 2 * margin_pixels, n_drift + 2 * margin_pixels), np.float32)
    inside = image[margin_pixels : margin_pixels + n_wires, margin_pixels : margin_pixels + n_drift]
    inside[lit.reshape(n_wires, n_drift)] = value
    wire, drift = _positions(wires), _positions(drifts)
    for name, position, size in (("wire", wire, n_wires), ("drift pixel", drift, n_drift)):
        if n_patches and int(position.max()) >= size:
            raise MessageInvalid(f"a hit lies outside the strip: {name} {position.max()} of {size}")
    return Strip(image, wire, drift)


def _checked_header(data: bytes | memoryview, most_patches: int) -> tuple[int, int, int, int]:
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise MessageInvalid(f"a message of {len(data)} bytes is too short to be one")
    magic, version, n_wires, n_drift, n_values, n_patches = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise MessageInvalid(f"a message begins with {_MAGIC!r}, not with {magic!r}")
    if version != VERSION:
        raise MessageInvalid(f"a message of version {version}; this server takes version {VERSION}")
    # Before all that an honest client may get wrong: a damaged message must not count as refused.
    (checksum,) = _CHECKSUM.unpack_from(data, len(data) - _CHECKSUM.size)
    if zlib.crc32(data[: -_CHECKSUM.size]) != checksum:
        raise MessageDamaged("the checksum of a message is wrong: it was changed on its way")
    n_pixels = n_wires * n_drift
    if not (0 < n_wires <= MOST_SIDE_PIXELS and 0 < n_drift <= MOST_SIDE_PIXELS and n_pixels <= MOST_PIXELS):
        raise MessageInvalid(f"a strip of {n_wires} x {n_drift} pixels; 1 to {MOST_PIXELS} are taken")
    if n_values > n_pixels:
        raise MessageInvalid(f"{n_values} values for {n_pixels} pixels")
    if not 0 < n_patches <= most_patches:
        raise MessageInvalid(f"a message asks for {n_patches} patches; 1 to {most_patches} are taken")
    return n_wires, n_drift, n_values, n_patches


def _inflated(frame: bytes | memoryview, size: int) -> bytes:
    """Return the content of a Zstandard frame, which must have exactly this many bytes."""
    try:
        # The frame's own word is checked first, since the library takes as much memory as it says.
        said = zstandard.frame_content_size(frame)
        if said != size:
            raise MessageInvalid(f"the content has {said} bytes by its frame; the header's numbers give {size}")
        content = zstandard.ZstdDecompressor(max_window_size=2**27).decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise MessageInvalid(f"the content cannot be unpacked: {error}") from error
    if len(content) != size:
        raise MessageInvalid(f"the content has {len(content)} bytes; the header's numbers give {size}")
    return content


def _steps(position: NDArray[np.integer[Any]]) -> NDArray[np.uint16]:
    """Return the differences from one to the next, modulo 65536."""
    return np.diff(position.astype("<u2"), prepend=np.zeros(1, "<u2"))


def _positions(planes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return what `_steps` was made from."""
    return np.cumsum(_bytes_together(planes, "<u2"), dtype=np.int64) % (MOST_SIDE_PIXELS + 1)


def _bytes_apart(numbers: NDArray[Any]) -> bytes:
    """Return all first bytes, then all second ones, and so on: alike bytes side by side compress better."""
    return numbers.view(np.uint8).reshape(-1, numbers.dtype.itemsize).T.tobytes()


def _bytes_together(planes: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Return the numbers that `_bytes_apart` took apart."""
    itemsize = np.dtype(dtype).itemsize
    return np.ascontiguousarray(planes.reshape(itemsize, -1).T).view(dtype).reshape(-1)
