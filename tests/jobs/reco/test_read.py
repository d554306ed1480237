"""Reading gives back what was written, and one clear error for everything that is wrong with a file."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.reco.errors import (
    EntriesOutOfRange,
    EventBad,
    EventsMissing,
    HitsMissing,
    InputAway,
    InputError,
    NotRoot,
    WiresMissing,
)
from jobs.reco.event import BadChannels, ChannelMap, Event, EventId, Hits, Truth, Wires
from jobs.reco.geometry import channel_map
from jobs.reco.read import count_entries, open_events
from jobs.reco.schema import CHANNELS_BRANCHES, EVENTS_BRANCHES, Provenance
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


Columns = dict[str, Any]
Change = Callable[[Columns, Columns], None]


def _raw_file(path: Path, change: Change) -> Path:
    """A file with one event, whose branches are changed before it is written: what `write_events` would not write."""
    ints = {"roi_channel": [0, 1], "roi_start_tick": [10, 20], "roi_n_ticks": [3, 2]}
    ints |= {"hit_channel": [0], "hit_start_tick": [10], "hit_end_tick": [13]}
    ints |= {"bad_channel": [1], "bad_start_tick": [0], "bad_end_tick": [5]}
    reals = {"roi_samples": [1, 2, 3, 4, 5], "hit_peak_tick": [11], "hit_rms_ticks": [1]}
    reals |= {"hit_peak_amplitude": [3], "hit_integral": [6]}
    events: Columns = {name: np.array([1], np.int32) for name in ("run", "subrun", "event")}
    events |= {"n_ticks": np.array([600], np.int32), "tick_ns": np.array([500.0])}
    events |= {name: np.array([value], np.int32) for name, value in ints.items()}
    events |= {name: np.array([value], np.float32) for name, value in reals.items()}
    channels: Columns = {"channel": np.arange(2, dtype=np.int32), "apa": np.zeros(2, np.int16)}
    channels |= {"plane": np.zeros(2, np.int8), "wire": np.arange(2, dtype=np.int32)}
    change(events, channels)
    with uproot.recreate(path) as file:
        for name, columns in (("events", events), ("channels", channels)):
            if columns:
                jagged = {key: _jagged(array) if array.ndim == 2 else array for key, array in columns.items()}
                file.mktree(name, jagged)
    return path


def _jagged(array: Any) -> Any:  # noqa: ANN401 - awkward has no types
    import awkward as ak

    return ak.from_regular(ak.Array(array))


def _set(name: str, value: object, *, place: int = 0) -> Change:
    def change(events: Columns, channels: Columns) -> None:
        holder = channels if name in channels else events
        array = holder[name].reshape(-1)
        array[place] = value

    return change


def _both(*changes: Change) -> Change:
    def change(events: Columns, channels: Columns) -> None:
        for one in changes:
            one(events, channels)

    return change


def _drop(*names: str) -> Change:
    def change(events: Columns, channels: Columns) -> None:
        for name in names:
            (channels if name in channels else events).pop(name)

    return change


def _shorten(name: str) -> Change:
    def change(events: Columns, _: Columns) -> None:
        events[name] = events[name][:, :-1]

    return change


def _clear(which: int) -> Change:
    return lambda events, channels: (events, channels)[which].clear()


def _retype(name: str, dtype: str) -> Change:
    def change(events: Columns, _: Columns) -> None:
        events[name] = events[name].astype(dtype) + np.array(0.5, dtype)

    return change


BAD_CONTENT: dict[str, tuple[Change, type[InputError], str]] = {
    "no events tree": (_clear(0), EventsMissing, "no tree 'events'.*found instead: channels"),
    "no channels tree": (_clear(1), EventsMissing, "no tree 'channels'"),
    "no wires": (_drop("roi_channel", "roi_samples"), WiresMissing, "no roi_channel, roi_samples"),
    "no hits": (_drop("hit_peak_tick"), HitsMissing, "no hit_peak_tick"),
    "no tick length": (_drop("tick_ns"), EventsMissing, "no tick_ns"),
    "NaN": (
        _set("roi_samples", np.nan, place=3),
        EventBad,
        "entry 0: channel 1: sample nan in the region from tick 2",
    ),
    "infinity": (_set("roi_samples", np.inf), EventBad, "entry 0: channel 0: sample inf"),
    "region before the readout": (_set("roi_start_tick", -1), EventBad, "channel 0: region of interest outside"),
    "region after the readout": (_set("roi_start_tick", 599, place=1), EventBad, "channel 1: .*readout of 600 ticks"),
    "region of no tick": (_set("roi_n_ticks", 0), EventBad, "channel 0: region"),
    "region on an unknown channel": (_set("roi_channel", 9, place=1), EventBad, "channel 9: not in the file's channel"),
    "regions not sorted": (
        _both(_set("roi_channel", 1), _set("roi_channel", 0, place=1)),
        EventBad,
        "channel 0: regions of interest are not sorted by channel",
    ),
    "regions overlap": (
        _both(_set("roi_channel", 1), _set("roi_start_tick", 19)),
        EventBad,
        "channel 1: regions of interest overlap",
    ),
    "too few samples": (_shorten("roi_samples"), EventBad, "regions have 5 ticks, but there are 4 samples"),
    "fields of other lengths": (_shorten("roi_start_tick"), EventBad, "regions of interest have different lengths"),
    "hit on an unknown channel": (_set("hit_channel", 5), EventBad, "channel 5: hit on a channel that is not"),
    "hit after the readout": (_set("hit_peak_tick", 600), EventBad, "channel 0: hit outside of the readout"),
    "hit of no length": (_set("hit_end_tick", 10), EventBad, "channel 0: hit outside"),
    "hit that is no number": (_set("hit_integral", np.nan), EventBad, "channel 0: hit with a value"),
    "mask of an unknown channel": (_set("bad_channel", 7), EventBad, "channel 7: masked, but not in"),
    "mask outside": (_set("bad_end_tick", 601), EventBad, "channel 1: masked outside"),
    "no ticks": (_set("n_ticks", 0), EventBad, "a readout of 0 ticks"),
    "too many ticks": (_set("n_ticks", 2_000_000_000), EventBad, "a readout of 2000000000 ticks"),
    "no length of a tick": (_set("tick_ns", np.nan), EventBad, "ticks of nan ns"),
    "a channel twice": (_set("channel", 0, place=1), EventBad, "channel 0 is in the channel map twice"),
    "wires not counted": (_set("wire", 3, place=1), EventBad, "channel map is not ordered"),
    "fractions for whole numbers": (
        _retype("roi_channel", "float64"),
        NotRoot,
        "float64 whose values do not fit int32",
    ),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_bad_content_gets_one_clear_error(case: str, tmp_path: Path) -> None:
    """Whatever is wrong with the trees, the error names the file, the place and the trouble."""
    change, kind, text = BAD_CONTENT[case]
    path = _raw_file(tmp_path / "bad.root", change)

    with pytest.raises(InputError, match=text) as caught, open_events(str(path)) as file:
        list(file.events())

    assert type(caught.value) is kind
    assert not isinstance(caught.value, InputAway)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("case", ["no events tree", "no channels tree", "no wires", "no hits", "no tick length"])
def test_counting_sees_what_is_missing(case: str, tmp_path: Path) -> None:
    """The quick count gives the same errors for trees and branches that are not there."""
    change, kind, text = BAD_CONTENT[case]

    with pytest.raises(kind, match=text):
        count_entries(str(_raw_file(tmp_path / "bad.root", change)))


def test_an_unchanged_raw_file_is_good(tmp_path: Path) -> None:
    """The file that the bad ones are made from can be read: it is the change that is found."""
    path = _raw_file(tmp_path / "good.root", lambda _events, _channels: None)

    with open_events(str(path)) as file:
        assert len(list(file.events())) == 1


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


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """Whatever was lost at the end, opening and counting say that the file is not whole."""
    content = _write(tmp_path / "a.root", [event], channels).read_bytes()
    cut = tmp_path / "cut.root"
    text = r"cut\.root: (truncated|an empty file|not a ROOT file)"

    for size in (0, 3, 4, 80, 350, 500, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:size])
        with (
            pytest.raises(NotRoot, match=text),
            open_events(str(cut)),
        ):
            pass
        with pytest.raises(NotRoot, match=text):
            count_entries(str(cut))


def test_damaged_bytes_never_give_a_foreign_error(tmp_path: Path, event: Event, channels: ChannelMap) -> None:
    """Random damage is noticed as an InputError, or does no harm; nothing else comes out."""
    content = _write(tmp_path / "a.root", [event], channels).read_bytes()
    rng = np.random.default_rng(3)
    path = tmp_path / "damaged.root"
    errors = []
    for place in rng.integers(4, len(content), 60):
        damaged = bytearray(content)
        damaged[place : place + 8] = rng.bytes(8)
        path.write_bytes(bytes(damaged[: len(content)]))
        try:
            with open_events(str(path)) as file:
                list(file.events())
        except InputError as error:
            errors.append(str(error))

    assert len(errors) > 5
    assert all(str(path) in error for error in errors)


def test_what_is_no_root_file_is_said_to_be_none(tmp_path: Path) -> None:
    """A text file and a folder are bad input, not input that may come back."""
    text = tmp_path / "notes.root"
    text.write_text("no ROOT in here")

    with pytest.raises(NotRoot, match=r"notes\.root: not a ROOT file"):
        count_entries(str(text))
    with pytest.raises(NotRoot, match="a folder"):
        count_entries(str(tmp_path))


def test_a_missing_file_may_come_back(tmp_path: Path) -> None:
    """A file that is not there is told apart from one that is bad: trying again may help."""
    with pytest.raises(InputAway, match=r"gone\.root: cannot be opened"), open_events(str(tmp_path / "gone.root")):
        pass


def test_a_server_that_cannot_be_reached_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that cannot be opened, for want of the package or of the server, is input that is away."""
    monkeypatch.setenv("XRD_CONNECTIONWINDOW", "1")
    monkeypatch.setenv("XRD_CONNECTIONRETRY", "1")
    with pytest.raises(InputAway, match=r"root://127\.0\.0\.1:9//x\.root"):
        count_entries("root://127.0.0.1:9//x.root")


def test_a_genuine_art_file_is_refused_with_what_is_in_it(real_data: Path) -> None:
    """A ROOT file of LArSoft's generator stage has other trees; they are named."""
    path = str(real_data / "dune10kt_art_gen_only_1evt.root")

    with pytest.raises(EventsMissing, match=r"found instead: .*Events \(TTree\)"), open_events(path):
        pass
    with pytest.raises(EventsMissing, match=r"found instead: .*Events \(TTree\)"):
        count_entries(path)


def test_every_branch_of_the_schema_is_needed_or_optional() -> None:
    """Only truth may be missing, so that a file of other wires and hits cannot pass for one of ours."""
    assert {branch.name for branch in (*EVENTS_BRANCHES, *CHANNELS_BRANCHES) if branch.optional} == {
        "hit_true_label",
        "hit_true_michel",
    }
