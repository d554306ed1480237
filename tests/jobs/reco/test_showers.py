"""Showers branch, keep their energy, and pass on what they come from."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.reco.deposits import MIP_MEV_PER_MM, STEP_MM, Deposits
from jobs.reco.showers import EM_LABEL, directions_around, shower


def _shower(energy_mev: float, n: int = 1, michel: bool = False, seed: int = 1) -> Deposits:
    direction = np.zeros((n, 3))
    direction[:, 2] = 1
    return shower(
        energy_mev=np.full(n, energy_mev),
        start=np.zeros((n, 3)),
        direction=direction,
        t0_tick=np.arange(n, dtype=np.float64) * 10,
        michel=np.full(n, michel),
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("energy_mev", [30.0, 300.0, 2000.0])
def test_most_of_the_energy_is_deposited(energy_mev: float) -> None:
    """The length of all electrons' ways is what the energy allows, less what soft photons carry away."""
    way_mm = len(_shower(energy_mev, 20).charge) / 20 * STEP_MM

    assert 0.6 * energy_mev < way_mm * MIP_MEV_PER_MM < 1.1 * energy_mev


def test_a_shower_is_wider_than_a_track() -> None:
    """A GeV shower has a spread of centimetres across its axis and reaches a metre along it."""
    made = _shower(1000.0, 10)

    assert 15 < np.median(np.hypot(made.position[:, 0], made.position[:, 1])) < 150
    assert np.percentile(made.position[:, 2], 95) > 400


def test_all_that_a_michel_electron_makes_is_michel() -> None:
    """Label, time and Michel flag are inherited by every generation."""
    made = _shower(40.0, 3, michel=True)

    assert set(made.label.tolist()) == {EM_LABEL}
    assert made.michel.all()
    assert set(made.t0_tick.tolist()) == {0.0, 10.0, 20.0}
    assert not _shower(40.0).michel.any()


def test_the_same_random_numbers_give_the_same_shower() -> None:
    """A shower depends on its arguments alone."""
    np.testing.assert_array_equal(_shower(500.0, seed=4).position, _shower(500.0, seed=4).position)


def test_no_electrons_make_no_shower() -> None:
    """An event without showers has no deposits, of the right shapes."""
    assert _shower(100.0, 0).position.shape == (0, 3)


def test_directions_stay_near_what_they_were() -> None:
    """A small spread turns a direction a little, and it stays a unit vector."""
    turned = directions_around(np.repeat([[0.0, 1.0, 0.0]], 100, axis=0), np.full(100, 0.01), np.random.default_rng(1))

    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1)
    assert turned[:, 1].min() > 0.99
