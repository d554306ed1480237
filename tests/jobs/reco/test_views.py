"""Views are what a slow and simple computation gives, plane by plane and hit by hit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Hits, Wires
from jobs.reco.find_hits import find_hits
from jobs.reco.generate import GeneratorParameters, generate_event
from jobs.reco.geometry import channel_map
from jobs.reco.views import DEFAULT_ADC_PER_ELECTRON, build_views
from sonic.network import ADC_MAX, ADC_MIN, DRIFT_WINDOW_TICKS, OUT_MAX, OUT_MIN

PLANES = (3, 4, 2)
CHANNELS = ChannelMap(
    # Numbers fall along the map: the order of rows is the planes', not the channels'.
    channel=np.arange(118, 100, -1, dtype=np.int32),
    apa=np.repeat([2, 5], 9).astype(np.int16),
    plane=np.tile(np.repeat([0, 1, 2], PLANES), 2).astype(np.int8),
    wire=np.tile(np.concatenate([np.arange(count) for count in PLANES]), 2).astype(np.int32),
)


def _slow_images(event: Event, channels: ChannelMap, factor: float) -> dict[tuple[int, int], NDArray[np.float64]]:
    """Every plane's image, by loops over regions, masks and pixels."""
    images = {}
    for apa, plane in sorted({(int(a), int(p)) for a, p in zip(channels.apa, channels.plane, strict=True)}):
        rows = np.flatnonzero((channels.apa == apa) & (channels.plane == plane))
        ticks = np.zeros((len(rows), event.n_ticks))
        first = 0
        for channel, start, length in zip(
            event.wires.channel, event.wires.start_tick, event.wires.n_ticks, strict=True
        ):
            for row in np.flatnonzero(channels.channel[rows] == channel):
                ticks[row, start : start + length] = event.wires.samples[first : first + length]
            first += length
        windows = [ticks[:, low : low + DRIFT_WINDOW_TICKS].mean(axis=1) for low in range(0, event.n_ticks, 6)]
        clipped = np.clip(np.stack(windows, axis=1) * factor, ADC_MIN, ADC_MAX)
        image = OUT_MIN + (clipped - ADC_MIN) / (ADC_MAX - ADC_MIN) * (OUT_MAX - OUT_MIN)
        for channel, start, end in zip(event.bad.channel, event.bad.start_tick, event.bad.end_tick, strict=True):
            for row in np.flatnonzero(channels.channel[rows] == channel):
                for tick in range(start, end):
                    image[row, tick // DRIFT_WINDOW_TICKS] = 0
        images[apa, plane] = image
    return images


def _random_event(seed: int, n_ticks: int, n_rois: int, n_masks: int) -> Event:
    rng = np.random.default_rng(seed)
    slots = np.sort(rng.choice(18 * (n_ticks // 8), n_rois, replace=False))
    channel, slot = np.divmod(slots, n_ticks // 8)
    start = slot * 8
    length = np.minimum(rng.integers(1, 9, n_rois), n_ticks - start)
    wires = Wires(
        (101 + channel).astype(np.int32),
        start.astype(np.int32),
        length.astype(np.int32),
        rng.normal(1000, 8000, int(length.sum())).astype(np.float32),
    )
    hits = find_hits(wires)
    order = rng.permutation(len(hits.channel))
    shuffled = {
        field.name: getattr(hits, field.name)[order] for field in dataclasses.fields(Hits) if field.name != "truth"
    }
    low = rng.integers(0, n_ticks, n_masks)
    high = np.minimum(low + rng.integers(0, 40, n_masks), n_ticks)
    bad = BadChannels(rng.integers(101, 119, n_masks).astype(np.int32), low.astype(np.int32), high.astype(np.int32))
    return Event(EventId(1, 0, 1), n_ticks, 500.0, wires, Hits(**shuffled), bad)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_ticks=st.integers(8, 100),
    n_rois=st.integers(0, 18),
    n_masks=st.integers(0, 4),
)
def test_views_agree_with_a_slow_reference(seed: int, n_ticks: int, n_rois: int, n_masks: int) -> None:
    """Pixels, planes, positions and order of hits are the reference's for any readout length, regions and masks."""
    event = _random_event(seed, n_ticks, n_rois, n_masks)
    expected = _slow_images(event, CHANNELS, DEFAULT_ADC_PER_ELECTRON)
    row = {int(channel): number for number, channel in enumerate(CHANNELS.channel)}

    built = build_views(event, CHANNELS, DEFAULT_ADC_PER_ELECTRON)

    with_hits = sorted({(int(CHANNELS.apa[row[int(c)]]), int(CHANNELS.plane[row[int(c)]])) for c in event.hits.channel})
    assert len(built.views) == len(with_hits)
    place = 0
    for key, view in zip(with_hits, built.views, strict=True):
        assert view.pixels.dtype == np.float32
        np.testing.assert_allclose(view.pixels, expected[key], atol=2e-5)
        assert np.all(view.pixels[expected[key] == 0] == 0)
        for wire, drift in zip(view.hit_wire, view.hit_drift, strict=True):
            hit = built.hit_index[place]
            where = row[int(event.hits.channel[hit])]
            assert (int(CHANNELS.apa[where]), int(CHANNELS.plane[where])) == key
            assert wire == CHANNELS.wire[where]
            assert drift == int(event.hits.peak_tick[hit]) // DRIFT_WINDOW_TICKS
            place += 1
    assert sorted(built.hit_index) == list(range(len(event.hits.channel)))


@pytest.mark.parametrize(("n_ticks", "n_drift"), [(6000, 1000), (5999, 1000), (6400, 1067), (6001, 1001)])
def test_odd_readouts_keep_their_last_ticks(n_ticks: int, n_drift: int) -> None:
    """A last window that is not whole is a pixel: the mean over the ticks that it has."""
    last = n_ticks - (n_drift - 1) * DRIFT_WINDOW_TICKS
    wires = Wires(
        np.array([118], np.int32),
        np.array([n_ticks - last], np.int32),
        np.array([last], np.int32),
        np.full(last, 1000, np.float32),
    )
    none = np.zeros(0, np.int32)
    event = Event(EventId(1, 0, 1), n_ticks, 500.0, wires, find_hits(wires), BadChannels(none, none, none))

    (view,) = build_views(event, CHANNELS, 0.01).views

    assert view.pixels.shape == (3, n_drift)
    assert view.pixels[0, -1] == pytest.approx(10 / 2)
    assert view.hit_drift.tolist() == [n_drift - 1]


def test_pixels_stay_in_the_networks_range() -> None:
    """Whatever the charge, pixels lie in [OUT_MIN, OUT_MAX] and silence is exactly zero."""
    event = _random_event(1, 96, 12, 0)

    for view in build_views(event, CHANNELS, 100.0).views:
        assert view.pixels.min() >= OUT_MIN
        assert view.pixels.max() <= OUT_MAX
        assert np.any(view.pixels == 0)


def test_an_event_without_hits_has_no_views(event: Event, channels: ChannelMap, no_hits: Hits) -> None:
    """Planes without hits are not built, so that nothing is sent for them."""
    built = build_views(dataclasses.replace(event, hits=no_hits), channels, DEFAULT_ADC_PER_ELECTRON)

    assert built.views == ()
    assert built.hit_index.shape == (0,)


def test_a_minimum_ionising_track_gives_a_few_adc() -> None:
    """The default factor puts the middle of generated tracks' hits at 4 to 12 ADC, far from both ends of the range."""
    event = generate_event(2, EventId(1, 0, 1), GeneratorParameters(n_apas=1))
    assert event.hits.truth is not None
    track = event.hits.truth.label == 0

    built = build_views(event, channel_map(1), DEFAULT_ADC_PER_ELECTRON)

    pixels = np.concatenate([view.pixels[view.hit_wire, view.hit_drift] for view in built.views])
    adc = (pixels - OUT_MIN) / (OUT_MAX - OUT_MIN) * (ADC_MAX - ADC_MIN) + ADC_MIN
    assert 4 < np.median(adc[track[built.hit_index]]) < 12
