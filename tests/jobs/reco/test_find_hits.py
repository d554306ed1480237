"""The hit finder finds every peak once, and measures it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.reco.event import Wires
from jobs.reco.find_hits import find_hits


def _wires(*regions: tuple[int, int, list[float]]) -> Wires:
    return Wires(
        np.array([channel for channel, _, _ in regions], np.int32),
        np.array([start for _, start, _ in regions], np.int32),
        np.array([len(samples) for _, _, samples in regions], np.int32),
        np.array([value for _, _, samples in regions for value in samples], np.float32),
    )


def test_a_pulse_becomes_one_hit_with_its_position_width_and_charge() -> None:
    """A Gaussian pulse of known area, position and width is measured as such."""
    ticks = np.arange(60)
    pulse = 30_000 / (3 * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((ticks - 30.3) / 3) ** 2)

    hits = find_hits(_wires((5, 100, pulse.tolist())), threshold=10)

    assert hits.channel.tolist() == [5]
    assert hits.peak_tick[0] == pytest.approx(130.3, abs=0.05)
    assert hits.rms_ticks[0] == pytest.approx(3, rel=0.02)
    assert hits.integral[0] == pytest.approx(30_000, rel=0.01)
    assert hits.peak_amplitude[0] == pytest.approx(pulse.max())
    assert hits.start_tick[0] < 125 < 135 < hits.end_tick[0]


def test_two_peaks_are_parted_at_the_valley() -> None:
    """Overlapping pulses give two hits that share no tick and lose no charge."""
    samples = [200, 900, 400, 300, 300, 1200, 200.0]

    hits = find_hits(_wires((1, 10, samples)))

    assert list(zip(hits.start_tick.tolist(), hits.end_tick.tolist(), strict=True)) == [(10, 13), (13, 17)]
    assert hits.integral.sum() == sum(samples)


def test_a_plateau_is_one_hit() -> None:
    """Equal samples at the top count once, at the last of them."""
    hits = find_hits(_wires((1, 0, [100, 800, 800, 800, 100])))

    assert len(hits.channel) == 1
    assert 2 <= hits.peak_tick[0] <= 3


def test_regions_do_not_touch() -> None:
    """A region that begins high has a peak at its edge, whatever the region before it ended with."""
    hits = find_hits(_wires((1, 0, [900.0]), (1, 50, [600, 500.0]), (2, 0, [400, 700.0])))

    assert hits.channel.tolist() == [1, 1, 2]
    np.testing.assert_allclose(hits.peak_tick, [0, 50.43, 0.8], atol=0.5)


@pytest.mark.parametrize("regions", [(), ((1, 0, [100, 200, 100.0]),), ((1, 0, [500.0]),)])
def test_nothing_above_the_threshold_is_no_hit(regions: tuple[tuple[int, int, list[float]], ...]) -> None:
    """Silence, small pulses and one exactly at the threshold give no hits but well-formed arrays."""
    hits = find_hits(_wires(*regions))

    assert hits.channel.shape == hits.integral.shape == (0,)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1500), min_size=1, max_size=30), min_size=1, max_size=6))
def test_hits_are_the_local_maxima_of_a_slow_search(regions: list[list[int]]) -> None:
    """Number, places and disjoint ranges of the hits are those of a loop over the samples."""
    wires = _wires(*((number, 7, [float(value) for value in samples]) for number, samples in enumerate(regions)))

    hits = find_hits(wires)

    expected = [
        (number, 7 + place, at)
        for number, samples in enumerate(regions)
        for place, (before, at, after) in enumerate(zip([0, *samples], samples, [*samples[1:], 0], strict=False))
        if at > 500 and before <= at > after
    ]
    assert [(int(c), float(a)) for c, a in zip(hits.channel, hits.peak_amplitude, strict=True)] == [
        (channel, float(value)) for channel, _, value in expected
    ]
    for place, (channel, tick, _) in enumerate(expected):
        assert abs(hits.peak_tick[place] - tick) <= 0.5
        assert hits.start_tick[place] <= tick < hits.end_tick[place]
        assert 7 <= hits.start_tick[place] < hits.end_tick[place] <= 7 + len(regions[channel])
        if place and hits.channel[place - 1] == channel:
            assert hits.end_tick[place - 1] <= hits.start_tick[place]
    assert np.all(np.isfinite(hits.rms_ticks))
