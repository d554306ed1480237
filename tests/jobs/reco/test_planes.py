"""Channels of frames find their planes."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.errors import UsageError
from jobs.reco.check import check_channels
from jobs.reco.planes import DETECTORS, Layout, layout_of, map_channels, parse_planes

SP = DETECTORS["protodune-sp"]


@pytest.mark.parametrize("first", [0, 2560 * 4, 37, 100_000])
def test_a_whole_anode_may_begin_anywhere(first: int) -> None:
    """The first 800 channels are U, the next V, the last 960 W, wherever the numbers begin."""
    channels = map_channels(first + np.arange(2560), SP)

    check_channels(channels, "test")
    assert channels.channel.tolist() == list(range(first, first + 2560))
    assert np.bincount(channels.plane).tolist() == [800, 800, 960]
    assert set(channels.apa.tolist()) == {first // 2560 if first % 2560 == 0 else 0}


def test_several_anodes_are_kept_apart() -> None:
    """Anodes are numbered by the detector's scheme where the numbers follow it."""
    numbers = np.concatenate([2560 * 5 + np.arange(2560), 2560 + np.arange(2560)])

    channels = map_channels(numbers, SP)

    check_channels(channels, "test")
    assert np.unique(channels.apa).tolist() == [1, 5]


def test_gaps_between_planes_stay_in_the_numbers() -> None:
    """ProtoDUNE-VD's anodes skip numbers between planes; the planes are whole nonetheless."""
    numbers = np.concatenate([np.arange(476), 952 + np.arange(476), 1904 + np.arange(584)])

    channels = map_channels(numbers, DETECTORS["protodune-vd"])

    check_channels(channels, "test")
    assert channels.channel[channels.plane == 1].tolist() == list(range(952, 1428))


def test_missing_channels_leave_their_wires_in_place() -> None:
    """Where channels of an anode are missing its map is still whole, so that neighbours stay neighbours."""
    numbers = np.setdiff1d(2560 + np.arange(2560), [2560 + 5, 2560 + 2559])

    channels = map_channels(numbers, SP)

    check_channels(channels, "test")
    assert len(channels.channel) == 2560
    assert channels.wire[channels.channel == 2560 + 6].tolist() == [6]
    assert np.unique(channels.apa).tolist() == [1]


def test_the_detector_is_told_from_the_number_of_channels() -> None:
    """Whole anodes of a known detector are recognised, other numbers are not."""
    assert layout_of(2560) == SP
    assert layout_of(15360) == SP
    assert layout_of(1536) == DETECTORS["protodune-vd"]
    assert layout_of(2559) is None


def test_planes_are_parsed() -> None:
    """A list of whole numbers becomes a layout of that many planes."""
    assert parse_planes("10, 20") == Layout("custom", (10, 20))


@pytest.mark.parametrize("text", ["", "800,,960", "800,-1", "a,b", "1.5", "0,5"])
def test_other_lists_of_planes_are_refused(text: str) -> None:
    """What is no list of channels per plane is an error of use with an example."""
    with pytest.raises(UsageError, match="--planes 800,800,960"):
        parse_planes(text)
