"""Patches: right pixels, right order, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonic.hit_pixels import HitPixels, Span
from sonic.message import Most
from sonic.network import PATCH_BYTES
from sonic.patches import PatchCutter, cut_patches, spans_of
from sonic.view import View
from tests.builders.client import a_view as a_view_of_distinct_hits


def a_view(seed: int, n_wires: int = 60, n_drift: int = 70, n_hits: int = 25) -> View:
    """Return a view of noise with hits anywhere, borders included."""
    rng = np.random.default_rng(seed)
    return View(
        rng.normal(size=(n_wires, n_drift)).astype(np.float32),
        rng.integers(0, n_wires, n_hits, dtype=np.int32),
        rng.integers(0, n_drift, n_hits, dtype=np.int32),
    )


def slow_patch(view: View, hit: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return one patch pixel by pixel, straight from the definition."""
    patch = np.zeros((48, 48), dtype=np.float32)
    for i in range(48):
        for j in range(48):
            wire, drift = int(view.hit_wire[hit]) - 24 + i, int(view.hit_drift[hit]) - 24 + j
            if 0 <= wire < view.pixels.shape[0] and 0 <= drift < view.pixels.shape[1]:
                patch[i, j] = view.pixels[wire, drift]
    return patch


def test_a_patch_is_the_window_around_its_hit_and_zero_outside_the_view() -> None:
    """Every pixel of every patch must be the one of LArSoft's definition."""
    view = a_view(1)
    patches = cut_patches(view)
    assert patches.shape == (view.n_hits, 48, 48, 1)
    assert patches.dtype == np.float32
    for hit in range(view.n_hits):
        assert np.array_equal(patches[hit, ..., 0], slow_patch(view, hit))


def test_the_hit_is_at_pixel_24_24() -> None:
    """The hit's own pixel must be number 24 of both axes."""
    view = a_view(2)
    assert np.array_equal(cut_patches(view)[:, 24, 24, 0], view.pixels[view.hit_wire, view.hit_drift])


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (5, 48)])
def test_views_smaller_than_a_patch_work(shape: tuple[int, int]) -> None:
    """A plane of a few wires must give whole patches, with zeros around."""
    view = a_view(3, *shape, n_hits=4)
    patches = cut_patches(view)
    for hit in range(4):
        assert np.array_equal(patches[hit, ..., 0], slow_patch(view, hit))


def test_a_second_hit_on_the_same_pixel_gets_the_same_true_patch() -> None:
    """Two hits on one pixel must get two equal patches; LArSoft's second one would be zeros."""
    pixels = np.ones((60, 60), dtype=np.float32)
    view = View(pixels, np.array([30, 30], np.int32), np.array([30, 30], np.int32))
    first, second = cut_patches(view)
    assert first.any()
    assert np.array_equal(first, second)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 12), max_size=5),
    st.integers(1, 20),
    st.floats(0, 25),
)
def test_batches_across_views_hold_every_patch_once_in_order(
    hits_of_views: list[int], most_patches: int, most_in_bytes: float
) -> None:
    """Batches of any size over any views must be the patches of the views' hit pixels one after the other."""
    views = [a_view_of_distinct_hits(n, seed) for seed, n in enumerate(hits_of_views)]
    pixels = HitPixels(views)
    cutter = PatchCutter(pixels)
    most = Most(most_patches, most_in_bytes * PATCH_BYTES)
    batches, done = [], 0
    while done < pixels.n_patches:
        message = cutter.cut(Span(done, pixels.n_patches), most)
        assert message.span.start == done
        assert message.span.size == len(message.tensor) <= most_patches
        assert message.payload_bytes <= max(PATCH_BYTES, most.payload_bytes)
        assert message.tensor.flags.c_contiguous
        batches.append(message.tensor)
        done = message.span.stop
    expected = [cut_patches(view)[np.lexsort((view.hit_drift, view.hit_wire))] for view in views]
    nothing = np.empty((0, 48, 48, 1), dtype=np.float32)
    assert np.array_equal(np.concatenate([nothing, *batches]), np.concatenate([nothing, *expected]))


def test_a_part_of_an_event_is_that_part() -> None:
    """A span must give its own patches, also one that begins in a view and ends in the next but one."""
    pixels = HitPixels([a_view_of_distinct_hits(n, n) for n in (9, 3, 8)])
    cutter = PatchCutter(pixels)
    whole = cutter.patches(Span(0, 20))
    assert np.array_equal(cutter.patches(Span(5, 9)), whole[5:9])
    assert np.array_equal(cutter.patches(Span(7, 15)), whole[7:15])
    assert cutter.cut(Span(7, 15), Most(100, 1e9)).span == Span(7, 15)


@given(st.integers(0, 1000), st.integers(1, 300))
def test_spans_cover_all_patches_once(n_patches: int, batch_patches: int) -> None:
    """Spans must follow each other without a gap, none empty and none too large."""
    spans = spans_of(n_patches, batch_patches)
    assert [at for span in spans for at in range(*span)] == list(range(n_patches))
    assert all(0 < span.size <= batch_patches for span in spans)
