"""Views cut into messages: whatever the sizes, the server's patches are the client's, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonic.hit_pixels import HitPixels, Span
from sonic.message import Message, Most
from sonic.network import PATCH_PIXELS
from sonic.patches import PatchCutter
from sonic.strip_patches import StripPatches
from sonic.view import View
from sonic.view_message import MOST_PIXELS, MOST_SIDE_PIXELS, unpack
from sonic.views import ViewCutter
from tests.builders.client import a_sparse_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL = Most(65_536, 1e9)


def messages_of(pixels: HitPixels, most: Most, span: Span | None = None) -> list[Message]:
    """Return the messages for a span, all patches if not told otherwise, each for as many as may go in one."""
    cutter = ViewCutter(pixels)
    done, stop = span or Span(0, pixels.n_patches)
    found = []
    while done < stop:
        message = cutter.cut(Span(done, stop), most)
        assert message.span.start == done
        assert 0 < message.span.size <= stop - done
        found.append(message)
        done = message.span.stop
    return found


def patches_of(message: Message) -> NDArray[np.float32]:
    """Return what a server cuts out of a message."""
    strip = StripPatches(message.tensor, most_patches=message.span.size)
    return strip.cut(0, len(strip))


def assert_right(pixels: HitPixels, messages: list[Message]) -> None:
    """Assert that a server gets the very patches that the client would cut."""
    cutter = PatchCutter(pixels)
    for message in messages:
        expected = cutter.patches(message.span)
        assert np.array_equal(patches_of(message).view(np.uint32), expected.view(np.uint32))


def a_patchwork(seed: int, n_hits: int, shape: tuple[int, int] = (220, 70)) -> View:
    """Return a view of silent, sparse and bright stretches of wires, with hits anywhere, borders included."""
    rng = np.random.default_rng(seed)
    lit = rng.choice([0.0, 0.02, 0.3, 1.0], size=(shape[0] // 20 + 1)).repeat(20)[: shape[0], np.newaxis]
    pixels = np.where(rng.random(shape) < lit, rng.normal(size=shape), 0).astype(np.float32)
    wire, drift = (rng.integers(0, size, n_hits, dtype=np.int32) for size in shape)
    return View(pixels, wire, drift)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(0, 1000),
    st.integers(1, 80),
    st.one_of(st.just(1.0), st.floats(100, 60_000)),
)
def test_the_servers_patches_are_the_clients(hits: list[int], seed: int, most_patches: int, most_bytes: float) -> None:
    """For any event and any bounds: every patch once, in order, bit for bit, and no more of them than may be."""
    pixels = HitPixels([a_patchwork(seed + number, n) for number, n in enumerate(hits)])
    messages = messages_of(pixels, Most(most_patches, most_bytes))
    assert [at for message in messages for at in range(*message.span)] == list(range(pixels.n_patches))
    assert all(message.span.size <= most_patches for message in messages)
    assert_right(pixels, messages)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(0, 1000), st.floats(500, 60_000))
def test_messages_are_within_the_limit_unless_they_ask_for_one_patch(n: int, seed: int, most_bytes: float) -> None:
    """Whatever the bright and the empty parts are, a message may be larger only if it cannot be made smaller."""
    for message in messages_of(HitPixels([a_patchwork(seed, n)]), Most(1000, most_bytes)):
        assert message.payload_bytes <= most_bytes or message.span.size == 1


@pytest.mark.parametrize("lit", [0.01, 0.1, 0.5])
def test_strips_are_of_like_size_and_not_far_below_the_limit(lit: float) -> None:
    """An even event must be cut evenly, into few messages: each repeats what it shares with its neighbours."""
    pixels = HitPixels([a_sparse_view(400, shape=(900, 200), lit=lit)])
    whole = messages_of(pixels, ALL)
    assert len(whole) == 1
    most_bytes = whole[0].payload_bytes / 3
    sizes = [message.payload_bytes for message in messages_of(pixels, Most(1000, most_bytes))]
    assert max(sizes) <= most_bytes
    assert 4 <= len(sizes) <= 8
    assert min(sizes) > 0.5 * max(sizes)


@pytest.mark.parametrize(("n", "most", "sizes"), [(17, 8, [6, 6, 5]), (16, 8, [8, 8]), (9, 8, [5, 4]), (5, 1, [1] * 5)])
def test_patches_are_shared_out_evenly(n: int, most: int, sizes: list[int]) -> None:
    """A last message of a single patch would carry nearly a whole strip for it."""
    messages = messages_of(HitPixels([a_sparse_view(n)]), Most(most, 1e9))
    assert [message.span.size for message in messages] == sizes


def test_no_message_reaches_over_two_views() -> None:
    """Each view begins a message of its own, and one without hits has none."""
    pixels = HitPixels([a_sparse_view(n, n) for n in (3, 0, 5)])
    messages = messages_of(pixels, ALL)
    assert [message.span for message in messages] == [Span(0, 3), Span(3, 8)]
    assert_right(pixels, messages)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.data())
def test_any_part_can_be_asked_for_again_in_other_sizes(seed: int, data: st.DataObject) -> None:
    """A request that failed must come again as the same patches, whole or in smaller messages, views apart."""
    pixels = HitPixels([a_patchwork(seed + number, 25) for number in range(3)])
    start = data.draw(st.integers(0, pixels.n_patches - 1))
    stop = data.draw(st.integers(start + 1, pixels.n_patches))
    messages = messages_of(pixels, Most(data.draw(st.integers(1, 30)), 1e9), Span(start, stop))
    assert (messages[0].span.start, messages[-1].span.stop) == (start, stop)
    assert_right(pixels, messages)


def test_a_strip_holds_no_more_than_its_patches_reach() -> None:
    """A hit in an otherwise unasked-for view must not send the view."""
    pixels = np.ones((400, 300), np.float32)
    view = View(pixels, np.array([100, 101], np.int32), np.array([150, 160], np.int32))
    (message,) = messages_of(HitPixels([view]), ALL)
    strip = unpack(message.tensor.tobytes(), most_patches=2)
    assert strip.pixels.shape == (PATCH_PIXELS + 1, PATCH_PIXELS + 10)


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (20, 20)])
def test_views_smaller_than_a_patch_work(shape: tuple[int, int]) -> None:
    """A plane of a few wires must give whole patches, with zeros around."""
    corners = np.array([0, shape[0] - 1], np.int32), np.array([shape[1] - 1, 0], np.int32)
    view = View(np.random.default_rng(1).normal(size=shape).astype(np.float32), *corners)
    pixels = HitPixels([view])
    assert_right(pixels, messages_of(pixels, ALL))


def test_a_silent_view_with_hits_is_a_small_message() -> None:
    """Hits where nothing is lit must still be answered for."""
    view = a_sparse_view(50)
    pixels = HitPixels([View(np.zeros_like(view.pixels), view.hit_wire, view.hit_drift)])
    (message,) = messages_of(pixels, ALL)
    assert message.payload_bytes < 500
    assert_right(pixels, [message])


@pytest.mark.parametrize("shape", [(MOST_SIDE_PIXELS + 5000, 3), (6000, 6000)])
def test_a_view_larger_than_a_strip_may_be_is_cut(shape: tuple[int, int]) -> None:
    """What no message can hold must go in several, also where there is room for its bytes and patches."""
    pixels = np.zeros(shape, np.float32)
    corners = np.array([0, shape[0] // 2, shape[0] - 1], np.int32), np.array([0, 1, shape[1] - 1], np.int32)
    pixels[corners] = 1.0
    assert pixels.size > MOST_PIXELS or max(shape) > MOST_SIDE_PIXELS
    event = HitPixels([View(pixels, *corners)])
    messages = messages_of(event, ALL)
    assert len(messages) > 1
    assert_right(event, messages)


def test_the_tensor_is_one_message_in_a_batch_of_one() -> None:
    """As the model wants it: bytes, with the batch as the first axis."""
    (message,) = messages_of(HitPixels([a_sparse_view(5)]), ALL)
    assert message.tensor.dtype == np.uint8
    assert message.tensor.shape == (1, message.payload_bytes)
