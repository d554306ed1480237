"""The patches that a server cuts out of a message: those of the client, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonic.errors import MessageDamaged, MessageInvalid
from sonic.patches import cut_patches
from sonic.strip_patches import StripPatches
from sonic.view import View
from sonic.view_message import Strip, pack

SHAPE = (70, 60)


def a_message(seed: int, n_patches: int = 9) -> tuple[View, bytes]:
    """Return a view of noise with hits anywhere, borders included, and the message of all of it."""
    rng = np.random.default_rng(seed)
    pixels = np.where(rng.random(SHAPE) < 0.3, rng.normal(size=SHAPE), 0).astype(np.float32)
    wire, drift = (rng.integers(0, size, n_patches, dtype=np.int32) for size in SHAPE)
    return View(pixels, wire, drift), pack(Strip(pixels, wire, drift))


@given(st.integers(0, 10_000), st.data())
def test_patches_are_those_of_the_view(seed: int, data: st.DataObject) -> None:
    """Any stretch of a message's patches must be what the client would have cut itself."""
    view, message = a_message(seed)
    strip = StripPatches(np.frombuffer(message, np.uint8), most_patches=9)
    start = data.draw(st.integers(0, 9))
    stop = data.draw(st.integers(start, 9))
    patches = strip.cut(start, stop)
    assert len(strip) == 9
    assert patches.shape == (stop - start, 48, 48, 1)
    assert patches.dtype == np.float32
    assert np.array_equal(patches.view(np.uint32), cut_patches(view)[start:stop].view(np.uint32))


@pytest.mark.parametrize("shape", [(-1,), (1, -1), (1, 1, -1)])
def test_a_message_may_come_in_any_shape(shape: tuple[int, ...]) -> None:
    """Servers put axes around it, and may hand over memory that cannot be written, or that lies apart."""
    view, message = a_message(1)
    array = np.frombuffer(message, np.uint8).reshape(shape)
    apart = np.repeat(array, 2, axis=-1)[..., ::2]
    for given_array in (array, apart):
        strip = StripPatches(given_array, most_patches=9)
        assert np.array_equal(strip.cut(0, 9), cut_patches(view))


@pytest.mark.parametrize("shape", [(0,), (1, 0), (0, 1)])
def test_a_message_without_a_byte_is_refused(shape: tuple[int, ...]) -> None:
    """Nothing at all must be an error of the sender, like any other message that is none."""
    with pytest.raises(MessageInvalid, match="too short"):
        StripPatches(np.zeros(shape, np.uint8), most_patches=9)


def test_more_patches_than_are_taken_are_refused() -> None:
    """The server's bound must hold whatever the message says."""
    _, message = a_message(2)
    StripPatches(np.frombuffer(message, np.uint8), most_patches=9)
    with pytest.raises(MessageInvalid, match="asks for 9 patches; 1 to 8"):
        StripPatches(np.frombuffer(message, np.uint8), most_patches=8)


def test_damage_is_told() -> None:
    """A message that was changed on its way must not be blamed on its sender."""
    _, message = a_message(3)
    damaged = np.frombuffer(message, np.uint8).copy()
    damaged[40] ^= 1
    with pytest.raises(MessageDamaged):
        StripPatches(damaged, most_patches=9)
