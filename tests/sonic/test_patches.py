"""Patches: right pixels, right order, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonic.patches import PatchCutter, Span, cut_patches, spans_of
from sonic.view import View


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
    patches = cut_patches(view, 0, view.n_hits)
    assert patches.shape == (view.n_hits, 48, 48, 1)
    assert patches.dtype == np.float32
    for hit in range(view.n_hits):
        assert np.array_equal(patches[hit, ..., 0], slow_patch(view, hit))


def test_the_hit_is_at_pixel_24_24() -> None:
    """The hit's own pixel must be number 24 of both axes."""
    view = a_view(2)
    assert np.array_equal(cut_patches(view, 0, view.n_hits)[:, 24, 24, 0], view.pixels[view.hit_wire, view.hit_drift])


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (5, 48)])
def test_views_smaller_than_a_patch_work(shape: tuple[int, int]) -> None:
    """A plane of a few wires must give whole patches, with zeros around."""
    view = a_view(3, *shape, n_hits=4)
    patches = cut_patches(view, 0, 4)
    for hit in range(4):
        assert np.array_equal(patches[hit, ..., 0], slow_patch(view, hit))


def test_a_second_hit_on_the_same_pixel_gets_the_same_true_patch() -> None:
    """Two hits on one pixel must get two equal patches; LArSoft's second one would be zeros."""
    pixels = np.ones((60, 60), dtype=np.float32)
    view = View(pixels, np.array([30, 30], np.int32), np.array([30, 30], np.int32))
    first, second = cut_patches(view, 0, 2)
    assert first.any()
    assert np.array_equal(first, second)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 12), max_size=5),
    st.integers(1, 20),
)
def test_batches_across_views_hold_every_hit_once_in_order(hits_of_views: list[int], batch_patches: int) -> None:
    """Batches of any size over any views must be the views' patches one after the other."""
    views = [a_view(seed, n_hits=n) for seed, n in enumerate(hits_of_views)]
    cutter = PatchCutter(views)
    spans = spans_of(cutter.n_hits, batch_patches)
    assert all(0 < span.stop - span.start <= batch_patches for span in spans)
    batches = [cutter.cut(span) for span in spans]
    expected = [cut_patches(view, 0, view.n_hits) for view in views]
    nothing = np.empty((0, 48, 48, 1), dtype=np.float32)
    assert np.array_equal(np.concatenate([nothing, *batches]), np.concatenate([nothing, *expected]))


def test_a_part_of_a_view_is_that_part() -> None:
    """cut_patches(view, start, stop) must give the hits [start, stop) and no others."""
    view = a_view(4)
    assert np.array_equal(cut_patches(view, 5, 9), cut_patches(view, 0, view.n_hits)[5:9])
    assert np.array_equal(PatchCutter([view]).cut(Span(0, 3)), cut_patches(view, 0, 3))


@pytest.mark.parametrize(("wire", "drift"), [(-1, 5), (60, 5), (5, -1), (5, 70)])
def test_a_hit_outside_its_view_is_refused(wire: int, drift: int) -> None:
    """A hit that the view does not have must be an error, not somebody else's pixels."""
    view = a_view(5)
    outside = View(view.pixels, np.array([wire], np.int32), np.array([drift], np.int32))
    with pytest.raises(ValueError, match="outside its view"):
        cut_patches(outside, 0, 1)


def test_hits_with_a_missing_coordinate_are_refused() -> None:
    """Wires and drift pixels must pair up."""
    view = View(np.zeros((50, 50), np.float32), np.zeros(2, np.int32), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="2 hit wires but 1"):
        PatchCutter([view])
