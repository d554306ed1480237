"""Points of the volume reach the channels and ticks that they must."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.reco.check import check_channels
from jobs.reco.geometry import CHANNELS_PER_APA, DRIFT_MM, WIDTH_MM, Projection, box_of, channel_map, project


def _project(*points: tuple[float, float, float], n_apas: int = 6, t0: float = 0.0) -> Projection:
    position = np.array(points)
    return project(position, np.full(len(position), t0), n_apas, np.random.default_rng(1))


@pytest.mark.parametrize("n_apas", [1, 2, 6, 150])
def test_the_channel_map_is_sound(n_apas: int) -> None:
    """Every number of APAs has 2,560 channels each, in the order that readers expect."""
    channels = channel_map(n_apas)

    check_channels(channels, "test")
    assert len(channels.channel) == n_apas * CHANNELS_PER_APA


def test_a_point_is_seen_by_all_three_planes_of_its_apa() -> None:
    """A point before APA 3 gives one channel of each of its planes, all at the same tick."""
    seen = _project((1000.0, 3000.0, 1.5 * WIDTH_MM))

    assert (seen.channel // CHANNELS_PER_APA).tolist() == [3, 3, 3]
    assert np.digitize(seen.channel % CHANNELS_PER_APA, [800, 1600]).tolist() == [0, 1, 2]
    assert len(set(seen.tick.tolist())) == 1


def test_the_tick_grows_with_the_distance_from_the_wires() -> None:
    """At the wires charge arrives at the trigger, at the cathode 4,500 ticks later; earlier tracks earlier."""
    seen = _project((DRIFT_MM - 0.001, 3000, 100), (0.001, 3000, 100))

    assert seen.tick[:2] == pytest.approx([500, 5000], abs=0.01)
    assert _project((0.001, 3000, 100), t0=-700.0).tick[0] == pytest.approx(4300, abs=0.01)


def test_points_outside_are_not_seen() -> None:
    """Above, below, behind the wires, beyond the last APA: no channel."""
    outside = [(1.0, 7000, 10), (1.0, -1, 10), (DRIFT_MM + 1, 10, 10), (1.0, 10, 3 * WIDTH_MM + 1), (1.0, 10, -1)]

    assert len(_project(*outside).channel) == 0
    assert len(_project((1000.0, 3000.0, 100.0), n_apas=1).channel) == 0


def test_channels_stay_within_their_planes() -> None:
    """Wherever the point, diffusion included, U, V and W channels are those of its APA and plane."""
    rng = np.random.default_rng(2)
    box = box_of(6)
    seen = _project(*rng.uniform(box.low, box.high, (3000, 3)).tolist())
    n = len(seen.channel) // 3
    local = seen.channel % CHANNELS_PER_APA

    assert local[:n].max() < 800
    assert local[n : 2 * n].min() >= 800
    assert local[n : 2 * n].max() < 1600
    assert local[2 * n :].min() >= 1600


def test_neighbouring_points_are_on_neighbouring_wires() -> None:
    """A step of one pitch along the beam moves the W channel by one."""
    near_wires = DRIFT_MM - 0.001
    seen = _project((near_wires, 3000, 1000), (near_wires, 3000, 1000 + 4.792))

    assert seen.channel[5] - seen.channel[4] == 1
