"""Real and simulated Wire-Cell frames as files of our schema, with hits of our own finder.

Channel numbers, length of a tick and of the readout stay as the frame has them; regions of interest are the stretches
that are not zero. Event numbers are the archive's; a frame knows no run, so run and subrun are 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.errors import UsageError
from jobs.reco.archive import read_archive
from jobs.reco.check import check_channels, check_event
from jobs.reco.errors import FrameBad
from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Wires
from jobs.reco.find_hits import HIT_THRESHOLD, find_hits
from jobs.reco.planes import Layout, layout_of, map_channels
from jobs.reco.schema import Provenance
from jobs.reco.write import Written, software_version, write_events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from jobs.reco.archive import Archive, SparseFrame

__all__ = ["Imported", "import_archive", "output_name"]

_LARGEST_LOUD_PART = 0.5
"""Signal processing leaves a few per cent of a frame; a frame above this part is of raw waveforms."""

_SUFFIXES = (".tar.bz2", ".tar.gz", ".tar.xz", ".tar", ".tbz2", ".tgz", ".npz", ".zip")


@dataclass(frozen=True)
class Imported:
    """What an archive became."""

    written: Written
    tag: str
    detector: str
    channels: int
    rois: int
    nonzero_part: float
    """Part of all samples that is not zero."""
    bad_stretches: int
    foreign_masks: int
    """Masks left out because their channel is not in the frame."""


def output_name(archive: Path) -> str:
    """Return the name of the ROOT file that an archive becomes."""
    name = archive.name
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    return f"{name}.root"


def import_archive(
    archive: Path,
    output: Path,
    *,
    tag: str | None = None,
    layout: Layout | None = None,
    threshold: float = HIT_THRESHOLD,
    force: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Turn one archive into one ROOT file; every event number of the archive becomes an event.

    Args:
        archive: see `jobs.reco.archive`.
        output: the ROOT file; it appears when it is complete.
        tag: which frames to take; needed where the archive has several tags and not exactly one begins with "gauss",
            the name of the deconvolved charge in the experiments' configurations.
        layout: channels per plane; by default that of the detector whose anodes have this many channels.
        threshold: of the hit finder, electrons per tick.
        force: overwrite an existing file.
        on_step: called with what is being done, for progress.

    Raises:
        InputAway: the archive cannot be opened now.
        FrameBad: it cannot be imported.
        UsageError: there is no such tag, the planes cannot be told, or the output exists.
        OutputFailed: the output cannot be written.

    """
    if output.exists() and not force:
        # Said before the work, not after it.
        raise UsageError(f"{output}: exists already; use --force to overwrite it, or choose another folder")
    content = read_archive(archive, on_step)
    tag = _choose_tag(content, tag)
    numbers = sorted(number for found, number in content.frames if found == tag)
    rows = [_channels(content, (tag, number)) for number in numbers]
    if any(not np.array_equal(np.sort(row), np.sort(rows[0])) for row in rows):
        message = f"{archive}: the frames of tag {tag!r} have different channels; put them into archives of their own"
        raise FrameBad(message)
    layout = layout or layout_of(len(rows[0]))
    if layout is None:
        message = (
            f"{archive}: cannot tell the planes of {len(rows[0])} channels; give --detector, or the channels of every "
            "plane of one anode such as --planes 800,800,960"
        )
        raise UsageError(message)
    channels = map_channels(rows[0], layout)
    check_channels(channels, str(archive))
    events, foreign = [], 0
    for number, row in zip(numbers, rows, strict=True):
        on_step(f"hits of event {number}")
        event, skipped = _event(content, tag, number, row, channels, threshold)
        check_event(event, channels, f"{archive}: frame_{tag}_{number}")
        events.append(event)
        foreign += skipped
    on_step("writing")
    provenance = Provenance(
        origin="imported",
        detector=layout.detector,
        source=archive.name,
        tag=tag,
        parameters=json.dumps({"planes": layout.planes, "hit_threshold": threshold}),
        software_version=software_version(),
    )
    written = write_events(output, events, channels, provenance, force=force)
    size = sum(len(row) * event.n_ticks for row, event in zip(rows, events, strict=True))
    return Imported(
        written=written,
        tag=tag,
        detector=layout.detector,
        channels=len(rows[0]),
        rois=sum(len(event.wires.channel) for event in events),
        nonzero_part=sum(len(event.wires.samples) for event in events) / size,
        bad_stretches=sum(len(event.bad.channel) for event in events),
        foreign_masks=foreign,
    )


def _choose_tag(content: Archive, tag: str | None) -> str:
    tags = content.tags
    if tag is not None:
        if tag not in tags:
            raise UsageError(f"{content.path}: has no frame with tag {tag!r}; choose --tag from {', '.join(tags)}")
        return tag
    for candidates in (tags, [found for found in tags if found.startswith("gauss")]):
        if len(candidates) == 1:
            return candidates[0]
    raise UsageError(f"{content.path}: has frames of several tags; choose --tag from {', '.join(tags)}")


def _channels(content: Archive, key: tuple[str, int]) -> NDArray[np.int64]:
    """Return the channel of every row of a frame."""
    name = f"{content.path}: channels_{key[0]}_{key[1]}"
    found = content.channels.get(key)
    if found is None:
        raise FrameBad(f"{name}: is missing, so the frame's rows have no channel numbers; make the archive again")
    rows = content.frames[key].shape[0]
    if found.shape != (rows,):
        raise FrameBad(f"{name}: has shape {found.shape}, but the frame has {rows} rows; make the archive again")
    channels = found.astype(np.int64)
    if not np.array_equal(channels, found) or channels.min() < 0 or channels.max() >= 2**31:
        raise FrameBad(f"{name}: holds numbers that are no channel numbers; make the archive again")
    numbers, counts = np.unique(channels, return_counts=True)
    if len(numbers) != rows:
        raise FrameBad(f"{name}: channel {numbers[counts > 1][0]} is there twice; make the archive again")
    return channels


def _event(
    content: Archive, tag: str, number: int, row_channel: NDArray[np.int64], channels: ChannelMap, threshold: float
) -> tuple[Event, int]:
    frame = content.frames[tag, number]
    name = f"{content.path}: frame_{tag}_{number}"
    if number >= 2**32:
        raise FrameBad(f"{name}: {number} is too large for an event number; rename the arrays")
    if len(frame.samples) > _LARGEST_LOUD_PART * frame.shape[0] * frame.shape[1]:
        message = (
            f"{name}: most samples are not zero, so this looks like raw waveforms; choose with --tag a frame after"
        )
        raise FrameBad(f"{message} signal processing (found: {', '.join(content.tags)})")
    info = content.tickinfo.get((tag, number))
    if info is None or info.ndim != 1 or len(info) < 2 or not 0 < info[1] < np.inf:
        raise FrameBad(f"{content.path}: tickinfo_{tag}_{number}: missing or without a tick length; make it again")
    first_tick = int(info[2]) if len(info) > 2 and np.isfinite(info[2]) else 0
    wires = _wires(frame, row_channel)
    bad, skipped = _bad_channels(content, number, row_channel, channels, frame.shape[1], first_tick)
    event = Event(
        id=EventId(0, 0, number),
        n_ticks=frame.shape[1],
        tick_ns=float(info[1]),
        wires=wires,
        hits=find_hits(wires, threshold),
        bad=bad,
    )
    return event, skipped


def _wires(frame: SparseFrame, row_channel: NDArray[np.int64]) -> Wires:
    """Sort a frame's stretches by channel."""
    order = np.argsort(row_channel[frame.row], kind="stable")
    length = frame.length[order].astype(np.int64)
    begins = (np.cumsum(frame.length, dtype=np.int64) - frame.length)[order]
    within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    return Wires(
        channel=row_channel[frame.row[order]].astype(np.int32),
        start_tick=frame.start[order],
        n_ticks=frame.length[order],
        samples=frame.samples[within + np.repeat(begins, length)],
    )


def _bad_channels(
    content: Archive,
    number: int,
    row_channel: NDArray[np.int64],
    channels: ChannelMap,
    n_ticks: int,
    first_tick: int,
) -> tuple[BadChannels, int]:
    """Return the masks of all names that the archive has for an event, and how many were of other channels.

    Channels of the map that the frame lacks are masked too.
    """
    missing = np.setdiff1d(channels.channel, row_channel)
    parts = [np.stack([missing, np.zeros_like(missing), np.full_like(missing, n_ticks)], axis=1).astype(np.int64)]
    foreign = 0
    for (name, event_number), mask in sorted(content.masks.items(), key=lambda item: item[0]):
        if event_number != number or mask.size == 0:
            continue
        if mask.ndim != 2 or mask.shape[1] != 3 or not np.array_equal(mask, mask.astype(np.int64)):
            message = (
                f"{content.path}: chanmask_{name}_{number}: has shape {mask.shape} instead of rows of channel, start"
            )
            raise FrameBad(f"{message} and end; make the archive again")
        rows = mask.astype(np.int64)
        known = np.isin(rows[:, 0], row_channel)
        foreign += int((~known).sum())
        rows = rows[known]
        rows[:, 1:] = np.clip(rows[:, 1:] - first_tick, 0, n_ticks)
        parts.append(rows[rows[:, 2] > rows[:, 1]])
    masks = np.unique(np.concatenate(parts), axis=0).astype(np.int32)
    return BadChannels(*(np.ascontiguousarray(masks[:, column]) for column in range(3))), foreign
