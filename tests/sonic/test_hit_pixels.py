"""Hit pixels: each asked for once, in one order, and every hit finds its own again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonic.hit_pixels import HitPixels, Span, ViewPixels
from sonic.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

Places = list[tuple[int, int]]

SHAPE = (6, 9)
EVENTS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), max_size=20), max_size=5)
"""Hits of the views of an event, often several on one pixel."""


def a_view(places: Sequence[tuple[int, int]], shape: tuple[int, int] = SHAPE) -> View:
    """Return a silent view with hits at these places."""
    wire, drift = (np.array([place[axis] for place in places], np.int32) for axis in (0, 1))
    return View(np.zeros(shape, np.float32), wire, drift)


@given(EVENTS)
def test_every_distinct_pixel_is_there_once_in_order(event: list[Places]) -> None:
    """By view, wire and drift, ascending; hits on one pixel share it."""
    pixels = HitPixels([a_view(places) for places in event])
    found = [list(zip(view.wire.tolist(), view.drift.tolist(), strict=True)) for view in pixels.views]
    assert found == [sorted(set(places)) for places in event]
    assert pixels.n_patches == sum(len(set(places)) for places in event)


@given(EVENTS)
def test_every_hit_gets_the_scores_of_its_own_pixel(event: list[Places]) -> None:
    """Numbers that say from which view, wire and drift they are must come back to the hits at that place."""
    pixels = HitPixels([a_view(places) for places in event])
    rows = [
        (number, wire, drift)
        for number, view in enumerate(pixels.views)
        for wire, drift in zip(view.wire, view.drift, strict=True)
    ]
    em_trk_none = np.array(rows, np.float32).reshape(-1, 3)
    scores = pixels.scores_of_hits(em_trk_none, em_trk_none[:, 2])
    assert len(scores) == len(event)
    for number, (places, one) in enumerate(zip(event, scores, strict=True)):
        assert one.em_trk_none.shape == (len(places), 3)
        assert one.em_trk_none.tolist() == [[number, wire, drift] for wire, drift in places]
        assert one.michel.tolist() == [drift for _, drift in places]


@given(EVENTS, st.data())
def test_a_span_begins_in_the_view_that_its_first_patch_is_of(event: list[Places], data: st.DataObject) -> None:
    """Following `first_of` from any patch to any other must meet each patch between once, views without hits or not."""
    pixels = HitPixels([a_view(places) for places in event])
    start = data.draw(st.integers(0, pixels.n_patches))
    stop = data.draw(st.integers(start, pixels.n_patches))
    all_patches = [(view, at) for view in pixels.views for at in range(len(view.wire))]
    met: list[tuple[ViewPixels, int]] = []
    done = start
    while done < stop:
        view, first, end = pixels.first_of(Span(done, stop))
        met += [(view, at) for at in range(first, end)]
        done += end - first
    assert met == all_patches[start:stop]


def test_an_event_without_views_has_no_patches() -> None:
    """Nothing must come of nothing."""
    pixels = HitPixels([])
    assert pixels.n_patches == 0
    assert pixels.scores_of_hits(np.zeros((0, 3), np.float32), np.zeros(0, np.float32)) == []


def test_places_of_a_large_view_are_told_apart() -> None:
    """The number of a pixel may be larger than the positions' own type holds."""
    shape = (60_000, 50_000)
    pixels = np.broadcast_to(np.zeros(1, np.float32), shape)
    view = View(pixels, np.array([59_999, 0, 59_999], np.int32), np.array([49_999, 49_999, 0], np.int32))
    found = ViewPixels(view)
    assert (found.wire.tolist(), found.drift.tolist()) == ([0, 59_999, 59_999], [49_999, 0, 49_999])
    assert found.of_hit.tolist() == [2, 0, 1]


@pytest.mark.parametrize("place", [(-1, 5), (6, 5), (5, -1), (5, 9)])
def test_a_hit_outside_its_view_is_refused(place: tuple[int, int]) -> None:
    """A hit that the view does not have must be an error, not somebody else's pixels."""
    with pytest.raises(ValueError, match="outside its view"):
        HitPixels([a_view([(0, 0)]), a_view([(1, 1), place])])


def test_a_hit_in_a_view_without_pixels_is_refused() -> None:
    """A view may be empty, but then it has no hits."""
    assert HitPixels([a_view([], (0, 0)), a_view([], (5, 0))]).n_patches == 0
    with pytest.raises(ValueError, match="outside its view"):
        HitPixels([a_view([(0, 0)], (0, 0))])


def test_hits_with_a_missing_coordinate_are_refused() -> None:
    """Wires and drift pixels must pair up."""
    view = View(np.zeros((50, 50), np.float32), np.zeros(2, np.int32), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="2 hit wires but 1"):
        HitPixels([view])
