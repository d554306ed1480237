"""Charge becomes regions of interest without loss, and hits know what made them."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.reco.event import Wires
from jobs.reco.find_hits import find_hits
from jobs.reco.waveforms import Charge, label_hits, make_waveforms

RNG = np.random.default_rng(1)


def _charge(*points: tuple[int, int, float, int, bool], drift_mm: float = 0.0) -> Charge:
    channel, tick, amount, label, michel = zip(*points, strict=True)
    return Charge(
        np.array(channel, np.int64),
        np.array(tick, np.int64),
        np.array(amount, np.float64),
        np.full(len(points), drift_mm),
        np.array(label, np.int8),
        np.array(michel, np.bool_),
    )


def _region(wires: Wires, number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    first = int(wires.n_ticks[:number].sum())
    return wires.samples[first : first + wires.n_ticks[number]]


def test_charge_is_conserved() -> None:
    """A region's samples sum up to the charge that arrived, near or far."""
    for drift_mm in (0.0, 3500.0):
        wires = make_waveforms(_charge((3, 200, 30_000, 0, False), drift_mm=drift_mm), 600, 0.0, RNG)

        assert wires.samples.sum() == pytest.approx(30_000, rel=0.01)
        assert wires.channel.tolist() == [3]


def test_pulses_widen_with_the_drift() -> None:
    """Longitudinal diffusion makes far charge flatter."""
    near, far = (
        make_waveforms(_charge((3, 200, 30_000, 0, False), drift_mm=drift), 600, 0.0, RNG) for drift in (0.0, 3500.0)
    )

    assert near.samples.max() > 1.1 * far.samples.max()


def test_near_charge_shares_a_region_and_far_charge_does_not() -> None:
    """Points within a pulse's width make one region; regions never overlap and come sorted."""
    wires = make_waveforms(
        _charge((7, 300, 9000, 0, False), (2, 100, 9000, 0, False), (2, 120, 9000, 0, False), (2, 200, 9000, 0, False)),
        600,
        0.0,
        RNG,
    )

    assert wires.channel.tolist() == [2, 2, 7]
    assert np.all(wires.start_tick[1:2] >= wires.start_tick[:1] + wires.n_ticks[:1])


def test_regions_end_with_the_readout() -> None:
    """Charge near the ends of the readout keeps what lies inside, on the right channel and ticks."""
    points = ((1, 2, 10_000.0, 0, False), (2, 300, 10_000.0, 0, False), (3, 598, 10_000.0, 0, False))

    wires = make_waveforms(_charge(*points), 600, 0.0, RNG)

    assert wires.start_tick[0] == 0
    assert wires.start_tick[2] + wires.n_ticks[2] == 600
    assert int(wires.n_ticks.sum()) == len(wires.samples)
    peaks = [int(wires.start_tick[number] + np.argmax(_region(wires, number))) for number in range(3)]
    assert peaks == [2, 300, 598]


def test_samples_are_whole_and_not_negative() -> None:
    """Noise never makes a sample negative, and electrons are not divided."""
    wires = make_waveforms(_charge((1, 100, 500.0, 0, False)), 600, 80.0, np.random.default_rng(2))

    assert wires.samples.min() >= 0
    np.testing.assert_array_equal(wires.samples, np.rint(wires.samples))
    assert np.count_nonzero(wires.samples) > 5


def test_the_largest_part_names_the_hit() -> None:
    """Each hit gets the label of most of its charge; Michel only where most of the em charge is."""
    charge = _charge(
        (1, 100, 20_000, 0, False),
        (1, 101, 5_000, 1, False),
        (2, 100, 20_000, 1, True),
        (2, 100, 9_000, 1, False),
        (3, 100, 20_000, 1, False),
        (3, 100, 9_000, 1, True),
        (4, 100, 20_000, 2, False),
    )

    wires = make_waveforms(charge, 600, 0.0, RNG)
    truth = label_hits(find_hits(wires), charge, 600)

    assert truth.label.tolist() == [0, 1, 1, 2]
    assert truth.michel.tolist() == [False, True, False, False]


def test_a_hit_that_no_charge_made_is_none() -> None:
    """A hit where nothing arrived is noise."""
    wires = Wires(
        np.array([9], np.int32), np.array([50], np.int32), np.array([3], np.int32), np.array([1, 900, 1], np.float32)
    )

    truth = label_hits(find_hits(wires), _charge((1, 100, 20_000, 0, False)), 600)

    assert truth.label.tolist() == [2]
