"""Steps and scattering of several particles at once do not mix them up."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.reco.deposits import STEP_MM, electrons, steps_of, walk


def test_steps_fill_the_length() -> None:
    """Each particle has as many steps as fit its length, at least one, and the way left ends at zero."""
    owner, to_end = steps_of(np.array([3.0, 0.1, 6.0]))

    assert owner.tolist() == [0, 0, 1, 2, 2, 2, 2]
    assert to_end.tolist() == [1.5, 0, 0, 4.5, 3, 1.5, 0]


def test_without_scattering_a_walk_is_straight() -> None:
    """Every particle goes from its own start in its own direction, whatever the others do."""
    start = np.array([[0.0, 0, 0], [100, 0, 0]])
    direction = np.array([[0.0, 0, 1], [0, 1, 0]])
    owner, _ = steps_of(np.array([30.0, 60.0]))

    way = walk(start, direction, owner, np.zeros(len(owner)), np.random.default_rng(1))

    np.testing.assert_allclose(way.position[way.last], [[0, 0, 30], [100, 60, 0]], atol=1e-9)
    assert way.owner[way.last].tolist() == [0, 1]


def test_steps_have_their_length_however_much_is_scattered() -> None:
    """Scattering turns a particle but does not speed it up."""
    owner, _ = steps_of(np.array([300.0]))

    way = walk(np.zeros((1, 3)), np.array([[1.0, 0, 0]]), owner, np.full(len(owner), 0.2), np.random.default_rng(1))

    np.testing.assert_allclose(np.linalg.norm(np.diff(way.position, axis=0), axis=1), STEP_MM)
    assert np.linalg.norm(way.position[-1]) < 299


def test_dense_charge_recombines_more() -> None:
    """Ten times the loss gives less than six times the electrons; the mean of a MIP is about 6,200 per mm."""
    rng = np.random.default_rng(1)
    mip, dense = (electrons(np.full(20_000, loss), rng).mean() for loss in (0.21, 2.1))

    assert mip / STEP_MM == pytest.approx(6200, rel=0.05)
    assert 2 < dense / mip < 6
