"""What an event and a channel map must fulfil before anything is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.reco.errors import EventBad
from sonic.network import EM_TRK_NONE_LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.reco.event import BadChannels, ChannelMap, Event, Hits, Wires

__all__ = ["MAX_TICKS", "check_channels", "check_event"]

MAX_TICKS = 1_000_000
"""Longest readout taken for real: half a second of 500 ns ticks."""

_REMEDY = "leave the file out, or make it again"


def check_channels(channels: ChannelMap, where: str) -> None:
    """Check a channel map.

    Raises:
        EventBad: a channel twice, rows out of order, wires that are not 0, 1, 2 ... within their plane.

    """
    n = len(channels.channel)
    if n == 0:
        raise EventBad(f"{where}: the channel map is empty; {_REMEDY}")
    numbers, counts = np.unique(channels.channel, return_counts=True)
    if len(numbers) != n:
        raise EventBad(f"{where}: channel {numbers[counts > 1][0]} is in the channel map twice; {_REMEDY}")
    plane_key = channels.apa.astype(np.int64) * 256 + channels.plane
    new = np.concatenate([[True], np.diff(plane_key) != 0])
    first = np.flatnonzero(new)
    position = np.arange(n) - first[np.cumsum(new) - 1]
    if np.any(np.diff(plane_key) < 0) or np.any(channels.wire != position) or np.any(channels.plane < 0):
        message = f"{where}: the channel map is not ordered by APA, plane and wire 0, 1, 2 ...; {_REMEDY}"
        raise EventBad(message)


def check_event(event: Event, channels: ChannelMap, where: str) -> None:
    """Check one event against itself and the channel map.

    Args:
        event: the event.
        channels: the file's channel map.
        where: file and entry, for the message.

    Raises:
        EventBad: with the first thing that is wrong and the channel it is on.

    """
    if not 0 < event.n_ticks <= MAX_TICKS or not 0 < event.tick_ns < np.inf:
        message = f"{where}: a readout of {event.n_ticks} ticks of {event.tick_ns} ns is no readout; {_REMEDY}"
        raise EventBad(message)
    _check_wires(event.wires, event.n_ticks, channels, where)
    _check_hits(event.hits, event.n_ticks, channels, where)
    _check_bad(event.bad, event.n_ticks, channels, where)


def _complain(wrong: NDArray[np.bool_], channel: NDArray[np.int32], what: str, where: str) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        message = f"{where}: channel {channel[first]}: {what} (number {first}, {int(wrong.sum())} in all); {_REMEDY}"
        raise EventBad(message)


def _same_length(where: str, what: str, *arrays: NDArray[np.generic]) -> None:
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) > 1:
        message = f"{where}: the fields of its {what} have different lengths {sorted(set(lengths))}; {_REMEDY}"
        raise EventBad(message)


def _check_wires(wires: Wires, n_ticks: int, channels: ChannelMap, where: str) -> None:
    _same_length(where, "regions of interest", wires.channel, wires.start_tick, wires.n_ticks)
    start, length = wires.start_tick.astype(np.int64), wires.n_ticks.astype(np.int64)
    _complain(channels.rows_of(wires.channel) < 0, wires.channel, "not in the file's channel map", where)
    outside = (length < 1) | (start < 0) | (start + length > n_ticks)
    _complain(outside, wires.channel, f"region of interest outside of the readout of {n_ticks} ticks", where)
    if int(length.sum()) != len(wires.samples):
        message = (
            f"{where}: its regions have {length.sum()} ticks, but there are {len(wires.samples)} samples; {_REMEDY}"
        )
        raise EventBad(message)
    backwards = np.diff(wires.channel.astype(np.int64)) < 0
    overlap = (np.diff(wires.channel) == 0) & (start[1:] < (start + length)[:-1])
    _complain(backwards, wires.channel[1:], "regions of interest are not sorted by channel", where)
    _complain(overlap, wires.channel[1:], "regions of interest overlap or are not sorted by tick", where)
    finite = np.isfinite(wires.samples)
    if not finite.all():
        sample = int(np.argmin(finite))
        region = int(np.searchsorted(np.cumsum(length), sample, side="right"))
        message = (
            f"{where}: channel {wires.channel[region]}: sample {wires.samples[sample]} in the region from tick "
            f"{start[region]} ({int((~finite).sum())} in all); {_REMEDY}"
        )
        raise EventBad(message)


def _check_hits(hits: Hits, n_ticks: int, channels: ChannelMap, where: str) -> None:
    floats = (hits.peak_tick, hits.rms_ticks, hits.peak_amplitude, hits.integral)
    _same_length(where, "hits", hits.channel, hits.start_tick, hits.end_tick, *floats)
    _complain(channels.rows_of(hits.channel) < 0, hits.channel, "hit on a channel that is not in the map", where)
    finite = np.logical_and.reduce([np.isfinite(field) for field in floats])
    _complain(~finite, hits.channel, "hit with a value that is not a number", where)
    outside = (hits.start_tick < 0) | (hits.end_tick <= hits.start_tick) | (hits.end_tick > n_ticks)
    outside |= (hits.peak_tick < 0) | (hits.peak_tick >= n_ticks)
    _complain(outside, hits.channel, f"hit outside of the readout of {n_ticks} ticks", where)
    if hits.truth is not None:
        _same_length(where, "hits' truth", hits.channel, hits.truth.label, hits.truth.michel)
        unknown = (hits.truth.label < 0) | (hits.truth.label >= len(EM_TRK_NONE_LABELS))
        _complain(unknown, hits.channel, "hit with an unknown truth label", where)


def _check_bad(bad: BadChannels, n_ticks: int, channels: ChannelMap, where: str) -> None:
    _same_length(where, "bad channels", bad.channel, bad.start_tick, bad.end_tick)
    _complain(channels.rows_of(bad.channel) < 0, bad.channel, "masked, but not in the file's channel map", where)
    outside = (bad.start_tick < 0) | (bad.end_tick < bad.start_tick) | (bad.end_tick > n_ticks)
    _complain(outside, bad.channel, f"masked outside of the readout of {n_ticks} ticks", where)
