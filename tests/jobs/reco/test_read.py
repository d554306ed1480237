"""Reading gives back what was written, and one clear error for everything that is wrong with a file."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.reco.errors import (
    EntriesOutOfRange,
    EventsMissing,
)
from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Hits, Truth, Wires
from jobs.reco.geometry import channel_map
from jobs.reco.read import count_entries, open_events
from jobs.reco.schema import Provenance
from jobs.reco.write import write_events


def _same(first: object, second: object) -> None:
    """Assert that two events, or parts of them, are equal in values and types."""
    if isinstance(first, np.ndarray):
        assert isinstance(second, np.ndarray)
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(first, second)
    elif dataclasses.is_dataclass(first) and not isinstance(first, EventId):
        assert type(first) is type(second)
        for field in dataclasses.fields(first):
            _same(getattr(first, field.name), getattr(second, field.name))
    else:
        assert first == second


def _random_event(number: int, n_rois: int, n_hits: int, truth: bool, rng: np.random.Generator) -> Event:
    n_ticks = int(rng.integers(200, 6400))
    # One region in each of some slots of 20 ticks: sorted and without overlap.
    slots = np.sort(rng.choice(2560 * (n_ticks // 20), n_rois, replace=False))
    channel, slot = np.divmod(slots, n_ticks // 20)
    length = rng.integers(1, 21, n_rois)
    start = rng.integers(0, n_ticks - 1, n_hits)
    made = Truth(rng.integers(0, 3, n_hits).astype(np.int8), rng.random(n_hits) < 0.5) if truth else None
    return Event(
        EventId(int(rng.integers(2**32)), 3, number),
        n_ticks,
        float(rng.uniform(100, 1000)),
        Wires(
            channel.astype(np.int32),
            (slot * 20).astype(np.int32),
            length.astype(np.int32),
            rng.normal(0, 1e4, int(length.sum())).astype(np.float32),
        ),
        Hits(
            rng.integers(0, 2560, n_hits).astype(np.int32),
            start.astype(np.int32),
            (start + 1).astype(np.int32),
            start.astype(np.float32),
            rng.normal(0, 1e3, n_hits).astype(np.float32),
            rng.normal(0, 1e3, n_hits).astype(np.float32),
            rng.normal(0, 1e3, n_hits).astype(np.float32),
            made,
        ),
        BadChannels(*(np.full(number % 3, value, np.int32) for value in (5, 7, 9))),
    )


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), min_size=1, max_size=6),
    truth=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_file_gives_back_every_array(sizes: list[tuple[int, int]], truth: bool, seed: int) -> None:
    """Values, types and order of all arrays of all events survive, empty events included."""
    rng = np.random.default_rng(seed)
    events = [_random_event(number, *size, truth, rng) for number, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.root"
        write_events(path, events, channel_map(1), Provenance(origin="generated", detector="x", software_version="0"))
        with open_events(str(path)) as file:
            _same(channel_map(1), file.channels)
            for written, read in zip(events, file.events(), strict=True):
                _same(written, read)


def _write(path: Path, events: list[Event], channels: ChannelMap) -> Path:
    write_events(path, events, channels, Provenance(origin="generated", detector="x", seed=4, software_version="0"))
    return path


def test_a_range_of_entries_is_read_and_no_other(tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """Entries [start, stop) come in order, whatever baskets they lie in."""
    events = [dataclasses.replace(event, id=EventId(1, 0, number)) for number in range(7)]
    path = _write(tmp_path / "a.root", events, channels)

    with open_events(str(path)) as file:
        assert [read.id.event for read in file.events(2, 5)] == [2, 3, 4]
        assert [read.id.event for read in file.events(6, 7)] == [6]


def test_events_that_fill_several_baskets_come_in_order(
    tmp_path: Path, channels: ChannelMap, no_hits: Hits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks are cut between baskets; no event is lost or doubled where one ends."""
    monkeypatch.setattr("jobs.reco.write._BASKET_SAMPLES", 900)
    monkeypatch.setattr("jobs.reco.read._CHUNK_BYTES", 5000)
    one = np.array([100], np.int32)
    empty = np.zeros(0, np.int32)
    events = [
        Event(
            EventId(1, 0, number),
            600,
            500.0,
            Wires(one, one - 100, one + 300, np.full(400, number, np.float32)),
            no_hits,
            BadChannels(empty, empty, empty),
        )
        for number in range(20)
    ]
    path = _write(tmp_path / "a.root", events, channels)

    with open_events(str(path)) as file:
        assert [int(read.wires.samples[0]) for read in file.events()] == list(range(20))
        assert [int(read.wires.samples[0]) for read in file.events(4, 13)] == list(range(4, 13))


def test_counting_agrees_with_opening(tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """The quick count gives ROOT's own UUID and number of entries."""
    path = _write(tmp_path / "a.root", [event] * 4, channels)

    with uproot.open(path) as plain, open_events(str(path)) as file:
        assert (file.uuid, file.n_events) == (str(plain.file.uuid), 4)
    assert count_entries(str(path)) == (file.uuid, 4)


def test_provenance_is_given_back(tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """What a file says about its origin can be asked for; a file that says nothing is none the worse."""
    path = _write(tmp_path / "a.root", [event], channels)

    with open_events(str(path)) as file:
        found = file.provenance()

    assert found is not None
    assert (found.origin, found.seed) == ("generated", 4)


def test_a_path_with_a_colon_is_a_path(tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """What follows a colon is part of the file's name, not of a name within the file."""
    path = _write(tmp_path / "a:b.root", [event], channels)

    assert count_entries(str(path))[1] == 1


def test_a_file_without_events_is_refused(tmp_path: Path, channels: ChannelMap, provenance: Provenance) -> None:
    """Zero entries are an error, said when the file is opened or counted."""
    path = tmp_path / "empty.root"
    write_events(path, [], channels, provenance)

    with pytest.raises(EventsMissing, match=r"empty\.root: has no event"), open_events(str(path)):
        pass
    with pytest.raises(EventsMissing, match=r"empty\.root: has no event"):
        count_entries(str(path))


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (-1, 1), (2, 2), (1, 1), (5, 6)])
def test_entries_that_are_not_there(start: int, stop: int, tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """A range outside of the file, or an empty one, is refused before anything is read."""
    path = _write(tmp_path / "a.root", [event] * 2, channels)

    with open_events(str(path)) as file, pytest.raises(EntriesOutOfRange, match=rf"entries {start} to {stop}"):
        file.events(start, stop)
