"""From an event to the network's images: one view per plane that has hits.

As larreco's DataProviderAlg with `DownscaleFullView`: mean over 6 ticks, scaled to ADC, clipped, mapped to the
network's range. Two differences: the attenuation by impurities is not corrected (`CalibrateLifetime` needs the
detector's purity, which a plain ROOT file does not hold; generated events have none), and where the readout is no
multiple of 6 the last, shorter window is kept as a pixel of its own, the mean over the ticks that it has, because hits
may lie in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sonic.network import ADC_MAX, ADC_MIN, DRIFT_WINDOW_TICKS, OUT_MAX, OUT_MIN
from sonic.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.reco.event import BadChannels, ChannelMap, Event, Wires

__all__ = ["DEFAULT_ADC_PER_ELECTRON", "EventViews", "build_views"]

DEFAULT_ADC_PER_ELECTRON = 0.002
"""ADC per (electron/tick). Half of the hits of generated events and of the ProtoDUNE-SP simulation's W plane peak below
5,000 to 6,000 electrons/tick, so a minimum ionising track gives some 8 to 10 ADC after the mean over 6 ticks: well
inside [ADC_MIN, ADC_MAX], with room for stopping tracks and for the cores of showers before they are clipped at 30 ADC,
which is 15,000 electrons/tick."""


@dataclass(frozen=True, eq=False)
class EventViews:
    """The views of one event and the way back from their hits to the event's.

    Attributes:
        views: one per (apa, plane) that has hits, ordered by (apa, plane).
        hit_index: int64 (n_hits,), for the hits of all views one after the other, their place in `event.hits`; a
            permutation: ``out[hit_index] = scores``.

    """

    views: tuple[View, ...]
    hit_index: NDArray[np.int64]


def build_views(event: Event, channels: ChannelMap, adc_per_electron: float) -> EventViews:
    """Build the views of an event that has passed `jobs.reco.check.check_event`.

    A pixel that a masked stretch of a bad channel touches is zero, as is one without a region of interest.

    Args:
        event: the event.
        channels: the channel map of its file.
        adc_per_electron: ADC per (electron/tick), see `DEFAULT_ADC_PER_ELECTRON`.

    """
    n_drift = -(-event.n_ticks // DRIFT_WINDOW_TICKS)
    # Rows of the map are ordered by (apa, plane, wire), so each plane is one slice of rows.
    plane_key = channels.apa.astype(np.int64) * 256 + channels.plane
    edges = np.concatenate([[0], np.flatnonzero(np.diff(plane_key)) + 1, [len(plane_key)]])
    hit_row = channels.rows_of(event.hits.channel)
    hit_plane = np.searchsorted(edges, hit_row, side="right") - 1
    hit_index = np.argsort(hit_plane, kind="stable")
    hit_bounds = np.searchsorted(hit_plane[hit_index], np.arange(len(edges)))
    hit_drift = event.hits.peak_tick.astype(np.int32) // DRIFT_WINDOW_TICKS

    window_ticks = np.full(n_drift, DRIFT_WINDOW_TICKS)
    window_ticks[-1] = event.n_ticks - (n_drift - 1) * DRIFT_WINDOW_TICKS
    roi_row = channels.rows_of(event.wires.channel)
    order = np.argsort(roi_row, kind="stable")
    roi_bounds = np.searchsorted(roi_row[order], edges)
    masked = _masked_pixels(event.bad, channels, n_drift)
    masked_bounds = np.searchsorted(masked, edges * n_drift)
    starts = np.cumsum(event.wires.n_ticks, dtype=np.int64) - event.wires.n_ticks

    views = []
    for plane in np.flatnonzero(np.diff(hit_bounds)):
        low, high = int(edges[plane]), int(edges[plane + 1])
        regions = order[roi_bounds[plane] : roi_bounds[plane + 1]]
        sums = _window_sums(event.wires, regions, roi_row[regions] - low, starts[regions], (high - low, n_drift))
        sums *= adc_per_electron
        sums /= window_ticks
        pixels = _to_network_range(sums.astype(np.float32))
        pixels.reshape(-1)[masked[masked_bounds[plane] : masked_bounds[plane + 1]] - low * n_drift] = 0
        hits = hit_index[hit_bounds[plane] : hit_bounds[plane + 1]]
        views.append(View(pixels, (hit_row[hits] - low).astype(np.int32), hit_drift[hits]))
    return EventViews(tuple(views), hit_index)


def _window_sums(
    wires: Wires, regions: NDArray[np.int64], row: NDArray[np.int64], starts: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Sum the samples of the given regions in windows of 6 ticks.

    Args:
        wires: the event's wires.
        regions: which of its regions.
        row: row of each region in the plane.
        starts: place of each region's first sample.
        shape: wires and drift windows of the plane.

    """
    length = wires.n_ticks[regions].astype(np.int64)
    # Ticks of all regions in one array: a run of ones whose jumps are set where a region begins.
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    pixel = (within + np.repeat(wires.start_tick[regions].astype(np.int64), length)) // DRIFT_WINDOW_TICKS
    pixel += np.repeat(row * shape[1], length)
    samples = wires.samples[within + np.repeat(starts, length)]
    sums = np.bincount(pixel, weights=samples, minlength=shape[0] * shape[1])
    # An empty array of weights counts instead of summing, and so gives integers.
    return sums.astype(np.float64, copy=False).reshape(shape)


def _to_network_range(adc: NDArray[np.float32]) -> NDArray[np.float32]:
    """Clip to [ADC_MIN, ADC_MAX] and map linearly to [OUT_MIN, OUT_MAX], in place; zero stays exactly zero."""
    np.clip(adc, ADC_MIN, ADC_MAX, out=adc)
    adc -= np.float32(ADC_MIN)
    adc *= np.float32((OUT_MAX - OUT_MIN) / (ADC_MAX - ADC_MIN))
    adc += np.float32(OUT_MIN)
    return adc


def _masked_pixels(bad: BadChannels, channels: ChannelMap, n_drift: int) -> NDArray[np.int64]:
    """Return the pixels that masked stretches touch, as sorted places in the image of all rows of the map."""
    first = bad.start_tick.astype(np.int64) // DRIFT_WINDOW_TICKS
    last = -(-bad.end_tick.astype(np.int64) // DRIFT_WINDOW_TICKS)
    length = np.where(bad.end_tick > bad.start_tick, last - first, 0)
    place = channels.rows_of(bad.channel) * n_drift + first
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    return np.unique(np.repeat(place, length) + within)
