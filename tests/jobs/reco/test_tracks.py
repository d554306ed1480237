"""Tracks go where they should and lose what they should."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.reco.deposits import STEP_MM
from jobs.reco.geometry import Box
from jobs.reco.tracks import chords, downward, isotropic, track

ALONG_Z = np.array([[0.0, 0.0, 1.0]])


def test_a_fast_muon_is_nearly_straight_and_evenly_charged() -> None:
    """Two metres of a minimum ionising muon: little scattering, about 6,000 electrons per mm."""
    made = track(
        np.zeros((1, 3)), ALONG_Z, np.array([2000.0]), np.array([20_000.0]), np.zeros(1), np.random.default_rng(1)
    )

    assert made.end[0, 2] == pytest.approx(2000, rel=0.01)
    assert np.abs(made.end[0, :2]).max() < 100
    assert made.deposits.charge.sum() / 2000 == pytest.approx(6200, rel=0.1)
    assert set(made.deposits.label.tolist()) == {0}


def test_a_stopping_track_is_densest_at_its_end() -> None:
    """The last centimetres of a stopping muon hold more charge per step than its middle, a proton's more still."""
    rng = np.random.default_rng(2)
    n = 40
    start, direction = np.zeros((n, 3)), np.repeat(ALONG_Z, n, axis=0)
    steps = int(300 / STEP_MM)
    muon, proton = (
        track(start, direction, np.full(n, 300.0), np.zeros(n), np.zeros(n), rng, heavy=heavy)
        .deposits.charge.reshape(n, steps)
        .mean(axis=0)
        for heavy in (False, True)
    )

    assert muon[-8:].mean() > 1.3 * muon[:50].mean()
    assert proton.mean() > 1.2 * muon.mean()


def test_no_tracks_leave_nothing() -> None:
    """An event without tracks has no deposits, of the right shapes."""
    made = track(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0), np.zeros(0), np.random.default_rng(1))

    assert made.deposits.position.shape == (0, 3)
    assert made.end.shape == (0, 3)


def test_chords_span_the_box() -> None:
    """A line through a box enters and leaves it at its faces, parallels to an axis included."""
    box = Box(np.zeros(3), np.array([10.0, 20.0, 30.0]))
    through = np.array([[5.0, 5, 5], [1, 1, 1]])
    direction = np.array([[0.0, -1, 0], [0.6, 0.8, 0]])

    start, length = chords(through, direction, box)

    np.testing.assert_allclose(start[0], [5, 20, 5])
    assert length[0] == pytest.approx(20)
    end = start + length[:, None] * direction
    assert np.all((np.abs(end[1]) < 1e-9) | (np.abs(end[1] - box.high) < 1e-9) | (end[1] < box.high))


def test_directions_are_unit_vectors_and_cosmics_come_down() -> None:
    """Both kinds of directions have length one; cosmic rays come from above."""
    rng = np.random.default_rng(3)
    for vectors in (downward(500, rng), isotropic(500, rng)):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)

    assert downward(500, rng)[:, 1].max() <= 0
    assert isotropic(500, rng)[:, 1].max() > 0
